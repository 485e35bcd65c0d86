-- +goose Up

-- Counts of the whole ICS for callers who may see no person. Counts only, and unsuppressed: the API suppresses them.
-- No directory means that nothing can have been recorded: no row, so that it is not mistaken for zero.
CREATE FUNCTION at_a_glance(p_from date, p_to date)
RETURNS TABLE (people_referred bigint, waiting bigint, open_episodes bigint, supported_closures bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT (SELECT count(DISTINCT person_id) FROM referrals WHERE received_on BETWEEN p_from AND p_to),
           (SELECT count(*) FROM referrals WHERE state = 'Open'),
           (SELECT count(DISTINCT e.person_id) FROM episodes e JOIN people p ON p.id = e.person_id WHERE e.state = 'Open' AND p.died_on IS NULL),
           (SELECT count(*) FROM closures WHERE closed_on BETWEEN p_from AND p_to AND basis IN ('Acceptance', 'Choice'))
    FROM directory_commit WHERE revision > 0
$$;
GRANT EXECUTE ON FUNCTION at_a_glance TO cmhf_app;
