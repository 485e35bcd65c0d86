SELECT queue_people_of_services()
