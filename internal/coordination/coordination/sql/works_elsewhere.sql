SELECT works_elsewhere(@key_worker, @service)
