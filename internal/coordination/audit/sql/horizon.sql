SELECT last_id, writers FROM audit_horizon()
