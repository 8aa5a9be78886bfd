"""Public pages that span packages: home, themes, regulations, history, record, figures, help. Only app.py is above."""
