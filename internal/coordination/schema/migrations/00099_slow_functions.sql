-- +goose Up

-- A function of language sql that asks tables is planned anew in each statement that calls it, which takes longer than what it does. One of language
-- plpgsql is planned once in a session. These are called for nearly every row of a record that is written; what they say stays the same.

-- +goose StatementBegin
-- The canonical record and all that are merged into it, as far as the caller may see them, for the id of any of them.
CREATE OR REPLACE FUNCTION records_of(p_person uuid) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE ROWS 2 SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH canonical AS (SELECT coalesce(o.merged_into, o.id) AS id FROM people o WHERE o.id = p_person)
    SELECT p.id FROM people p, canonical c WHERE p.id = c.id OR p.merged_into = c.id;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION caller_sees(p_person uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM person_access a
                   WHERE a.person_id = p_person AND a.service_id = ANY (caller_services()) AND (a.until IS NULL OR a.until > now())
                     AND (NOT a.restricted OR access_permitted(a.person_id, a.service_id, a.why, a.until)));
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION person_restricted(p_person uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM named_access n WHERE n.person_id IN (SELECT records_of(p_person)) AND n.ended_at IS NULL)
        OR EXISTS (SELECT FROM objections o WHERE o.person_id IN (SELECT records_of(p_person)) AND o.withdrawn_at IS NULL);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- What was assessed last about a kind of decision. Capacity is assumed where nothing was assessed.
CREATE OR REPLACE FUNCTION lacks_capacity(p_person uuid, p_about text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT a.outcome = 'LacksCapacity' FROM capacity_assessments a
                     WHERE a.person_id IN (SELECT records_of(p_person)) AND a.about = p_about AND a.entered_in_error_at IS NULL
                     ORDER BY a.assessed_on DESC, a.recorded_at DESC, a.id DESC LIMIT 1), false);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION plan_lacks(p plans) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN NOT EXISTS (SELECT FROM plan_goals g WHERE g.plan_id = p.id AND g.own_words) THEN 'goal'
        WHEN p.review_on IS NULL OR p.review_on < (now() AT TIME ZONE 'Europe/London')::date THEN 'review-date'
        WHEN p.agreement IS NULL OR p.in_force_from IS NULL OR p.in_force_from > (now() AT TIME ZONE 'Europe/London')::date
             OR p.in_force_from < episode_begins(p.episode_id) THEN 'agreement'
        WHEN p.capacity = 'HasCapacity' AND lacks_capacity(p.person_id, 'CarePlan') THEN 'capacity' END;
END $$;
-- +goose StatementEnd

-- The parameters of a contact are one or the other, and a plan for nothing looks cheap each time: it would be made anew for every contact.
ALTER FUNCTION referrals_together(uuid, uuid) SET plan_cache_mode = force_generic_plan;

-- What the figures count of care, as before. The health checks and the work of a person who is supported are looked up by index, in all of their
-- records: to look through everybody's records for each of them took a minute a month with 60,000 people.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION care_units(p_from date, p_to date)
RETURNS TABLE (measure text, counted boolean, waited integer, service_id uuid, neighbourhood text, age integer, ethnicity text, gender text, deprivation text, route text)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    WITH records AS (
        SELECT id, coalesce(merged_into, id) AS person, died_on FROM people),
    spells AS (
        SELECT e.id, r.person, r.died_on, e.responsible_service_id AS service_id, london_day(e.opened_at) AS opened_on, london_day(e.closed_at) AS closed_on, e.previous_episode_id
        FROM episodes e JOIN records r ON r.id = e.person_id
        WHERE e.state <> 'EnteredInError' AND london_day(e.opened_at) <= p_to),
    held AS (
        SELECT * FROM spells WHERE coalesce(closed_on, 'infinity') > p_to AND coalesce(died_on, 'infinity') > p_to),
    met AS (
        SELECT r.person, c.service_id, london_day(c.happened_at) AS on_day, c.held_with, c.carer_involved
        FROM contacts c JOIN records r ON r.id = c.person_id
        WHERE c.entered_in_error_at IS NULL AND c.attendance = 'Attended' AND london_day(c.happened_at) BETWEEN p_from AND p_to + 3),
    -- The first score of each item in a spell and the latest one of a later day (package scores).
    pairs AS (
        SELECT s.id AS spell, s.person, s.service_id, s.closed_on, o.tool, o.item,
               (array_agg(o.score ORDER BY o.answered_on, o.assessment_id))[1] AS first,
               (array_agg(o.score ORDER BY o.answered_on DESC, o.assessment_id DESC))[1] AS latest,
               CASE o.tool WHEN 'DIALOG' THEN 1 WHEN 'ReQoL-10' THEN 5 ELSE 3 END AS reliable
        FROM spells s JOIN outcome_scores o ON o.episode_id = s.id
        WHERE s.closed_on BETWEEN p_from AND p_to AND o.entered_in_error_at IS NULL AND attended_contacts(s.id) >= 2
        GROUP BY 1, 2, 3, 4, 5, 6
        HAVING max(o.answered_on) > min(o.answered_on)),
    changes AS (
        SELECT spell, person, service_id, closed_on, CASE tool WHEN 'DIALOG' THEN 'dialog' WHEN 'ReQoL-10' THEN 'reqol' ELSE 'goals' END AS tool,
               count(*) FILTER (WHERE latest - first >= reliable) AS better, count(*) FILTER (WHERE first - latest >= reliable) AS worse
        FROM pairs GROUP BY 1, 2, 3, 4, 5
        UNION ALL
        -- Leisure, friendships, and partner or family.
        SELECT spell, person, service_id, closed_on, 'participation', count(*) FILTER (WHERE latest > first), count(*) FILTER (WHERE first > latest)
        FROM pairs WHERE tool = 'DIALOG' AND item BETWEEN 5 AND 7 GROUP BY 1, 2, 3, 4),
    -- Of each spell, of which nobody has many.
    units (measure, counted, person, service_id, on_day) AS (
        SELECT 'people-second-contact', true, f.person_id, f.service_id, f.second_contact_on
        FROM spell_facts f WHERE f.clock = 'person' AND f.second_contact_on BETWEEN p_from AND p_to
        UNION ALL
        SELECT m.measure, m.counted, h.person, h.service_id, p_to
        FROM held h CROSS JOIN LATERAL (
            SELECT 'key-worker-cover', EXISTS (SELECT FROM key_workers k WHERE k.episode_id = h.id AND k.since <= p_to AND coalesce(k.until, 'infinity') > p_to)
            UNION ALL
            SELECT 'plan-cover', EXISTS (SELECT FROM plans l WHERE l.episode_id = h.id AND l.state IN ('InForce', 'Superseded') AND l.in_force_from <= p_to)
            UNION ALL
            SELECT 'health-check-complete', (
                SELECT count(DISTINCT x.element) = 6 FROM people r JOIN health_check_elements x ON x.person_id = r.id
                WHERE (r.id = h.person OR r.merged_into = h.person) AND x.entered_in_error_at IS NULL AND NOT x.declined AND x.measured_on > p_to - interval '1 year' AND x.measured_on <= p_to)
            WHERE h.opened_on <= p_to - interval '1 year'
            UNION ALL
            (SELECT 'in-work', w.status IN ('Employed', 'Student', 'Volunteering') FROM (
                SELECT x.status FROM people r JOIN work_statuses x ON x.person_id = r.id
                WHERE (r.id = h.person OR r.merged_into = h.person) AND x.entered_in_error_at IS NULL AND x.told_on <= p_to ORDER BY x.told_on DESC, x.id DESC LIMIT 1) w
             WHERE w.status <> 'NotStated')) m (measure, counted)
        UNION ALL
        SELECT 're-entries', true, s.person, s.service_id, s.opened_on
        FROM spells s WHERE s.previous_episode_id IS NOT NULL AND s.opened_on >= p_from
        UNION ALL
        SELECT 'outcomes-paired', EXISTS (SELECT FROM pairs x WHERE x.spell = s.id), s.person, s.service_id, s.closed_on
        FROM spells s JOIN closures l ON l.episode_id = s.id
        WHERE s.closed_on BETWEEN p_from AND p_to AND l.basis <> 'Death' AND attended_contacts(s.id) >= 2
        UNION ALL
        SELECT c.tool || m.way, m.counted, c.person, c.service_id, c.closed_on
        FROM changes c CROSS JOIN LATERAL (VALUES ('-improved', c.better > c.worse), ('-deteriorated', c.worse > c.better)) m (way, counted)
        WHERE c.tool <> 'participation' OR m.way = '-improved'
        UNION ALL
        SELECT 'reqol-recovered', latest >= 25 AND latest - first >= reliable, person, service_id, closed_on FROM pairs WHERE tool = 'ReQoL-10' AND first < 25),
    events (measure, counted, person, service_id, on_day) AS (
        SELECT 'plans-agreed', l.agreement = 'Person', s.person, s.service_id, l.in_force_from
        FROM plans l JOIN spells s ON s.id = l.episode_id
        WHERE l.state IN ('InForce', 'Superseded') AND l.in_force_from BETWEEN p_from AND p_to
        UNION ALL
        SELECT m.measure, m.counted, s.person, h.from_service_id, london_day(h.outcome_at)
        FROM handovers h JOIN spells s ON s.id = h.episode_id
        CROSS JOIN LATERAL (
            SELECT 'handovers-accepted', h.state = 'Accepted' UNION ALL
            SELECT 'handovers-arrived', h.arrived_on IS NOT NULL WHERE h.state = 'Accepted') m (measure, counted)
        WHERE h.state IN ('Accepted', 'Declined') AND london_day(h.outcome_at) BETWEEN p_from AND p_to
        UNION ALL
        SELECT 'hospital-follow-up', EXISTS (SELECT FROM met m WHERE m.person = s.person AND m.held_with = 'Person' AND m.on_day BETWEEN y.until AND y.until + 3),
               s.person, s.service_id, y.until
        FROM stays_elsewhere y JOIN spells s ON s.id = y.episode_id
        WHERE y.place = 'Hospital' AND y.until BETWEEN p_from AND p_to
        UNION ALL
        SELECT 'carers-involved', m.carer_involved, m.person, m.service_id, m.on_day FROM met m WHERE m.on_day <= p_to
        UNION ALL
        SELECT 'needs-met', n.state <> 'NotMet', r.person, n.service_id, n.state_on
        FROM needs n JOIN records r ON r.id = n.person_id
        WHERE n.entered_in_error_at IS NULL AND n.state IN ('Met', 'PartlyMet', 'NotMet') AND n.state_on BETWEEN p_from AND p_to
        UNION ALL
        SELECT 'asset-uptake', a.first_attended_on IS NOT NULL, r.person, a.service_id, a.linked_on
        FROM asset_links a JOIN records r ON r.id = a.person_id
        WHERE a.entered_in_error_at IS NULL AND a.linked_on BETWEEN p_from AND p_to
        UNION ALL
        SELECT 'people-supported-tier-' || i.tier, true, r.person, i.service_id, i.given_on
        FROM interventions i JOIN records r ON r.id = i.person_id
        WHERE i.entered_in_error_at IS NULL AND i.given_on BETWEEN p_from AND p_to),
    all_units AS (
        SELECT * FROM units
        UNION ALL
        -- Followed up is who was after every stay; the rest is who was at least once.
        (SELECT DISTINCT ON (measure, person) measure,
                CASE measure WHEN 'hospital-follow-up' THEN bool_and(counted) OVER person_events ELSE bool_or(counted) OVER person_events END, person, service_id, on_day
         FROM events WINDOW person_events AS (PARTITION BY measure, person)
         ORDER BY measure, person, on_day DESC, service_id))
    SELECT u.measure, u.counted, NULL::integer, u.service_id, c.neighbourhood, date_part('year', age(u.on_day, p.birth_date))::integer,
           c.ethnicity, c.gender, c.deprivation, c.route
    FROM all_units u
    JOIN people p ON p.id = u.person
    LEFT JOIN spell_facts c ON c.clock = 'person' AND c.person_id = u.person
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Contacts at which the person or those around them came, in an episode and in the referrals that led to it. Each kind is looked up by its index: asked
-- for with OR, all contacts were looked through for each episode.
CREATE OR REPLACE FUNCTION attended_contacts(p_episode uuid) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN (SELECT count(*) FROM contacts c
            WHERE c.episode_id = p_episode AND c.attendance = 'Attended' AND c.held_with <> 'Professional' AND c.entered_in_error_at IS NULL)
         + (SELECT count(*) FROM referrals r JOIN contacts c ON c.referral_id = r.id
            WHERE r.episode_id = p_episode AND c.episode_id IS DISTINCT FROM p_episode
              AND c.attendance = 'Attended' AND c.held_with <> 'Professional' AND c.entered_in_error_at IS NULL);
END $$;
-- +goose StatementEnd
