from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.clock import in_uk, last_day, uk_day


def test_uk_time_is_what_the_table_of_time_zones_says_every_half_hour_of_ten_years():
    london = ZoneInfo("Europe/London")
    moment = datetime(2025, 1, 1, tzinfo=UTC)
    while moment.year < 2035:
        assert in_uk(moment).replace(tzinfo=None) == moment.astimezone(london).replace(tzinfo=None), moment
        moment += timedelta(minutes=30)


def test_late_in_the_evening_of_a_summers_day_it_is_tomorrow_in_the_uk():
    assert uk_day(datetime(2026, 7, 1, 23, 30, tzinfo=UTC)) == date(2026, 7, 2)


def test_what_closes_at_midnight_has_the_day_before_for_its_last_day():
    assert last_day(datetime(2026, 12, 5, 0, 0, tzinfo=UTC)) == date(2026, 12, 4)
    assert last_day(datetime(2026, 12, 5, 0, 1, tzinfo=UTC)) == date(2026, 12, 5)
