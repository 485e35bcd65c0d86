SELECT person_id, born_on, died_on, neighbourhood, ethnicity, gender, deprivation FROM clock_people(@people)
