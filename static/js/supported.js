// Runs before the page is drawn, so that nothing folds away after the reader has seen it.
new MutationObserver((_, observer) => {
  if (!document.body) return;
  document.body.classList.add("js-enabled", "govuk-frontend-supported");
  observer.disconnect();
}).observe(document.documentElement, { childList: true });
