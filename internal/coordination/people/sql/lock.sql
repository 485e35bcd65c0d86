SELECT lock_person(@id)
