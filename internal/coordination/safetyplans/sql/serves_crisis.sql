SELECT EXISTS (SELECT FROM services WHERE id = ANY (@services) AND 'CrisisLink' = ANY (functions))
