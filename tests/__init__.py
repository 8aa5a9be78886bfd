"""The tests mirror the packages; journeys/ uses a real browser, house/ keeps the house's promises."""
