SELECT s.id, s.name, s.state FROM services s JOIN directory_commit c ON c.default_service = s.name WHERE s.state = 'Open'
