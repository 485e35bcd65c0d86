SELECT first_counted_day()
