-- +goose Up

-- What the figures count of care itself: plans, key workers, handovers, outcomes, needs, the community. The columns are those of measure_units.
-- Where much can happen to one person in a month, the person counts once, at the service of the latest: a count of five is of five people.
-- +goose StatementBegin
CREATE FUNCTION care_units(p_from date, p_to date)
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
                SELECT count(DISTINCT x.element) = 6 FROM health_check_elements x JOIN records r ON r.id = x.person_id
                WHERE r.person = h.person AND x.entered_in_error_at IS NULL AND NOT x.declined AND x.measured_on > p_to - interval '1 year' AND x.measured_on <= p_to)
            WHERE h.opened_on <= p_to - interval '1 year'
            UNION ALL
            (SELECT 'in-work', w.status IN ('Employed', 'Student', 'Volunteering') FROM (
                SELECT x.status FROM work_statuses x JOIN records r ON r.id = x.person_id
                WHERE r.person = h.person AND x.entered_in_error_at IS NULL AND x.told_on <= p_to ORDER BY x.told_on DESC, x.id DESC LIMIT 1) w
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
-- How many key workers support somebody on a day, for the job that publishes: staff, not people who seek help.
CREATE FUNCTION key_workers_on(p_day date)
RETURNS TABLE (geography_kind text, geography text, workers bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT g.kind, g.name, count(DISTINCT k.subject)
    FROM key_workers k
    JOIN episodes e ON e.id = k.episode_id AND e.state <> 'EnteredInError'
    JOIN services s ON s.id = k.service_id
    CROSS JOIN LATERAL (VALUES ('ICS', ''), ('Service', s.name)) g (kind, name)
    WHERE k.since <= p_day AND coalesce(k.until, 'infinity') > p_day
    GROUP BY 1, 2
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The exact counts of a period, for the job that publishes. Rows that would be zero are left out. A person whose neighbourhood is not recorded counts
-- where their service is.
CREATE FUNCTION measure_counts(p_from date, p_to date)
RETURNS TABLE (measure text, geography_kind text, geography text, place text, breakdown_kind text, breakdown text, units bigint, counted bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH placed AS (
        SELECT u.*, s.name AS service, n.name AS found, coalesce(n.place, s.place) AS in_place
        FROM (SELECT * FROM measure_units(p_from, p_to) UNION ALL SELECT * FROM care_units(p_from, p_to)) u
        JOIN services s ON s.id = u.service_id
        LEFT JOIN neighbourhoods n ON n.name = coalesce(u.neighbourhood, CASE cardinality(s.neighbourhoods) WHEN 1 THEN s.neighbourhoods[1] END)
    )
    SELECT u.measure, g.kind, g.name, g.place, b.kind, b.value, count(*), count(*) FILTER (WHERE u.counted)
    FROM placed u
    CROSS JOIN LATERAL (VALUES
        ('ICS', '', ''), ('Place', u.in_place, ''), ('Service', u.service, ''),
        ('Neighbourhood', coalesce(u.found, 'Not known in ' || u.in_place), u.in_place)
    ) g (kind, name, place)
    JOIN LATERAL (VALUES
        ('', ''),
        ('ageBand', CASE WHEN u.age < 18 THEN 'under-18' WHEN u.age <= 25 THEN '18-25' WHEN u.age <= 39 THEN '26-39' WHEN u.age <= 64 THEN '40-64' ELSE '65-and-over' END),
        ('ethnicity', coalesce(u.ethnicity, 'NotKnown')),
        ('gender', coalesce(u.gender, 'NotKnown')),
        ('deprivation', coalesce(u.deprivation, 'NotKnown')),
        ('route', coalesce(u.route, 'NotKnown')),
        ('waitBand', CASE WHEN u.waited <= 6 THEN '0-6' WHEN u.waited <= 13 THEN '7-13' WHEN u.waited <= 28 THEN '14-28' WHEN u.waited <= 182 THEN '29-182' WHEN u.waited > 182 THEN 'over-182' END)
    ) b (kind, value) ON b.value IS NOT NULL AND (b.kind = '' OR g.kind <> 'Neighbourhood')
    GROUP BY 1, 2, 3, 4, 5, 6
$$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION measure_counts, key_workers_on TO cmhf_app;
