SELECT lock_person(@person)
