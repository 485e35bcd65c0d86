-- +goose Up

-- What the clocks look at changed for a person: one row for each change. One row for each person would lose changes: who records a change finds
-- the row that another change left, the worker takes that row away before the first change is committed, and nobody looks again.
CREATE TABLE dirty_people (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id uuid NOT NULL
);
CREATE INDEX dirty_people_person ON dirty_people (person_id);

-- A service changed so that the waits of everyone who was ever there do. The worker looks for them: there may be many, and who commits a directory
-- holds up those who refer to its services.
CREATE TABLE dirty_services (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service_id uuid NOT NULL
);

-- One row for each wait (package clocks): figures are counted from these rows alone. A day that is null has not come.
CREATE TABLE spell_facts (
    clock             text NOT NULL CHECK (clock IN ('national', 'person')),
    person_id         uuid NOT NULL REFERENCES people,
    provider          text NOT NULL, -- empty for the person's own clock
    started_on        date NOT NULL,
    rule_version      text NOT NULL,
    referral_id       uuid NOT NULL REFERENCES referrals,
    service_id        uuid NOT NULL REFERENCES services, -- of the referral that started it
    route             text NOT NULL,
    ended_on          date CHECK (ended_on >= started_on),
    first_contact_on  date CHECK (first_contact_on >= started_on),
    second_contact_on date CHECK (second_contact_on >= first_contact_on),
    scored_on         date CHECK (scored_on >= started_on),
    planned_on        date CHECK (planned_on >= started_on),
    assessed_on       date CHECK (assessed_on >= started_on),
    stopped_on        date CHECK (stopped_on >= started_on),
    died_on           date CHECK (died_on >= started_on),
    born_on           date NOT NULL,
    neighbourhood     text,
    ethnicity         text,
    gender            text,
    deprivation       text,
    PRIMARY KEY (clock, person_id, provider, started_on),
    CONSTRAINT died_waiting CHECK (stopped_on IS NULL OR died_on IS NULL)
);
CREATE INDEX spell_facts_person ON spell_facts (person_id);

-- None is for callers; the worker uses the functions below.
ALTER TABLE dirty_people ENABLE ROW LEVEL SECURITY;
ALTER TABLE dirty_services ENABLE ROW LEVEL SECURITY;
ALTER TABLE spell_facts ENABLE ROW LEVEL SECURITY;

-- +goose StatementBegin
-- For every table that the clocks look at.
CREATE FUNCTION person_dirty() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO dirty_people (person_id) VALUES (OLD.person_id);
    ELSE
        INSERT INTO dirty_people (person_id) VALUES (NEW.person_id);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER person_dirty AFTER INSERT OR UPDATE OR DELETE ON referrals      FOR EACH ROW EXECUTE FUNCTION person_dirty();
CREATE TRIGGER person_dirty AFTER INSERT OR UPDATE OR DELETE ON contacts       FOR EACH ROW EXECUTE FUNCTION person_dirty();
CREATE TRIGGER person_dirty AFTER INSERT OR UPDATE OR DELETE ON interventions  FOR EACH ROW EXECUTE FUNCTION person_dirty();
CREATE TRIGGER person_dirty AFTER INSERT OR UPDATE OR DELETE ON plans          FOR EACH ROW EXECUTE FUNCTION person_dirty();
CREATE TRIGGER person_dirty AFTER INSERT OR UPDATE OR DELETE ON person_details FOR EACH ROW EXECUTE FUNCTION person_dirty();
CREATE TRIGGER person_dirty AFTER INSERT OR UPDATE OR DELETE ON residences     FOR EACH ROW EXECUTE FUNCTION person_dirty();
CREATE TRIGGER person_dirty AFTER UPDATE OR DELETE ON outcome_scores FOR EACH ROW EXECUTE FUNCTION person_dirty();
CREATE TRIGGER person_dirty AFTER UPDATE ON episodes FOR EACH ROW
    WHEN (OLD.closed_at IS DISTINCT FROM NEW.closed_at) EXECUTE FUNCTION person_dirty();

-- +goose StatementBegin
-- The scores of an assessment come together, a dozen at a time.
CREATE FUNCTION scored_people_dirty() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO dirty_people (person_id) SELECT DISTINCT person_id FROM added;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER scored_people_dirty AFTER INSERT ON outcome_scores REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION scored_people_dirty();

-- +goose StatementBegin
-- Records that were merged are one person, and taken apart they are two again.
CREATE FUNCTION people_dirty() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO dirty_people (person_id) SELECT DISTINCT id FROM unnest(ARRAY[NEW.id, OLD.merged_into, NEW.merged_into]) id WHERE id IS NOT NULL;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER people_dirty AFTER UPDATE ON people FOR EACH ROW
    WHEN ((OLD.birth_date, OLD.died_on, OLD.merged_into) IS DISTINCT FROM (NEW.birth_date, NEW.died_on, NEW.merged_into))
    EXECUTE FUNCTION people_dirty();

-- Whoever was referred before there were facts.
INSERT INTO dirty_people (person_id) SELECT DISTINCT person_id FROM referrals;

-- What the national wait counts: by team type where the service declares any, and by its functions otherwise. Early intervention (A14), perinatal
-- (C02) and crisis teams (A02 to A04) are not counted.
CREATE FUNCTION counted_nationally(team_types text[], functions text[]) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN cardinality(team_types) > 0 THEN team_types && ARRAY['A05', 'A06', 'A08', 'A09', 'A12', 'A13', 'A16', 'C03', 'C10']
            ELSE functions && ARRAY['Core', 'EatingDisorders', 'CommunityRehabilitation', 'ComplexEmotionalNeeds', 'OlderAdults', 'YoungAdults'] END;

CREATE FUNCTION london_day(at timestamptz) RETURNS date LANGUAGE sql STABLE PARALLEL SAFE
RETURN (at AT TIME ZONE 'Europe/London')::date;

-- +goose StatementBegin
-- Another provider, or a service that is counted from now on or no more.
CREATE FUNCTION service_dirty() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO dirty_services (service_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER service_dirty AFTER UPDATE ON services FOR EACH ROW
    WHEN ((OLD.lead_provider_ods_code, counted_nationally(OLD.team_types, OLD.functions))
          IS DISTINCT FROM (NEW.lead_provider_ods_code, counted_nationally(NEW.team_types, NEW.functions)))
    EXECUTE FUNCTION service_dirty();

-- +goose StatementBegin
-- Puts the people of services that changed into the queue. Who comes to one of them meanwhile is in the queue by themself.
CREATE FUNCTION queue_people_of_services() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    changed uuid[];
BEGIN
    WITH taken AS (DELETE FROM dirty_services RETURNING service_id) SELECT array_agg(DISTINCT service_id) INTO changed FROM taken;
    IF changed IS NULL THEN RETURN; END IF;
    INSERT INTO dirty_people (person_id)
    SELECT person_id FROM referrals WHERE service_id = ANY (changed) UNION SELECT person_id FROM contacts WHERE service_id = ANY (changed)
    UNION SELECT person_id FROM interventions WHERE service_id = ANY (changed) UNION SELECT person_id FROM outcome_scores WHERE service_id = ANY (changed)
    UNION SELECT person_id FROM plans WHERE service_id = ANY (changed);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Where people live is a matter of the day: whose residence has come to its last day is in the queue without a change. One that ended longer than
-- a week ago was looked at on an earlier night.
CREATE FUNCTION queue_ended_residences() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO dirty_people (person_id)
    SELECT DISTINCT person_id FROM residences WHERE to_on < london_day(now()) AND to_on >= london_day(now()) - 7
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- What the figures say of people, beside their waits. What is not recorded is null. Merged records are one person.
CREATE FUNCTION clock_people(p_people uuid[])
RETURNS TABLE (person_id uuid, born_on date, died_on date, neighbourhood text, ethnicity text, gender text, deprivation text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p.id, p.birth_date, p.died_on, home.neighbourhood,
           CASE WHEN d.ethnicity = 'A' THEN 'WhiteBritish' WHEN d.ethnicity IN ('B', 'C') THEN 'WhiteOther' WHEN d.ethnicity IN ('D', 'E', 'F', 'G') THEN 'Mixed'
                WHEN d.ethnicity IN ('H', 'J', 'K', 'L') THEN 'Asian' WHEN d.ethnicity IN ('M', 'N', 'P') THEN 'Black' WHEN d.ethnicity IN ('R', 'S') THEN 'Other' END,
           nullif(d.gender, 'NotStated'), home.imd_decile::text
    FROM people p
    LEFT JOIN person_details d ON d.person_id = p.id
    LEFT JOIN residences home ON home.person_id = p.id AND home.entered_in_error_at IS NULL
        AND daterange(home.from_on, home.to_on, '[]') @> london_day(now())
    WHERE p.id = ANY (p_people) AND p.merged_into IS NULL
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- What the clocks look at, one row for each thing that happened; entered in error is left out, and merged records are one person. Kinds and the columns that they use:
--   Referral      on_day received, until_day ended, service_id, route
--   Contact       on_day, detail the medium, attended
--   Score         on_day
--   Plan          on_day created, until_day latest update if there was one, agreed_day
--   Intervention  on_day, detail Attended, Missed or Indirect, coded, slight (consultation, signposting, discussion)
--   Assessment    on_day, detail as for interventions
CREATE FUNCTION clock_events(p_people uuid[])
RETURNS TABLE (person_id uuid, kind text, source_id uuid, service_id uuid, provider text, in_scope boolean, on_day date, until_day date, agreed_day date,
               route text, detail text, attended boolean, coded boolean, slight boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH records AS (
        SELECT id, id AS person FROM people WHERE id = ANY (p_people) AND merged_into IS NULL
        UNION ALL
        SELECT id, merged_into FROM people WHERE merged_into = ANY (p_people)),
    places AS (
        SELECT id, lead_provider_ods_code AS provider, counted_nationally(team_types, functions) AS in_scope FROM services)
    SELECT p.person, 'Referral', r.id, r.service_id, s.provider, s.in_scope, r.received_on,
           CASE WHEN r.episode_id IS NULL THEN london_day(r.outcome_at) ELSE london_day(e.closed_at) END, NULL::date,
           r.route, NULL::text, NULL::boolean, NULL::boolean, NULL::boolean
    FROM records p JOIN referrals r ON r.person_id = p.id JOIN places s ON s.id = r.service_id LEFT JOIN episodes e ON e.id = r.episode_id
    WHERE r.state <> 'EnteredInError'
    UNION ALL
    SELECT p.person, 'Contact', c.id, c.service_id, s.provider, s.in_scope, london_day(c.happened_at), NULL, NULL,
           NULL, c.medium, c.attendance = 'Attended', NULL, NULL
    FROM records p JOIN contacts c ON c.person_id = p.id JOIN places s ON s.id = c.service_id
    WHERE c.entered_in_error_at IS NULL AND c.held_with = 'Person'
    UNION ALL
    SELECT p.person, 'Assessment', c.id, c.service_id, s.provider, s.in_scope, london_day(c.happened_at), NULL, NULL,
           NULL, 'Attended', NULL, c.assessment_code IS NOT NULL, false
    FROM records p JOIN contacts c ON c.person_id = p.id JOIN places s ON s.id = c.service_id
    WHERE c.entered_in_error_at IS NULL AND c.assessment
    UNION ALL
    SELECT p.person, 'Intervention', i.id, i.service_id, s.provider, s.in_scope, i.given_on, NULL, NULL,
           NULL, CASE WHEN c.attendance <> 'Attended' THEN 'Missed' WHEN c.held_with <> 'Person' THEN 'Indirect' ELSE 'Attended' END, NULL,
           i.snomed_code IS NOT NULL, i.kind IN ('Consultation', 'Signposting', 'Discussion')
    FROM records p JOIN interventions i ON i.person_id = p.id JOIN places s ON s.id = i.service_id LEFT JOIN contacts c ON c.id = i.contact_id
    WHERE i.entered_in_error_at IS NULL
    UNION ALL
    SELECT p.person, 'Score', o.assessment_id, o.service_id, s.provider, s.in_scope, min(o.answered_on), NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM records p JOIN outcome_scores o ON o.person_id = p.id JOIN places s ON s.id = o.service_id
    WHERE o.entered_in_error_at IS NULL
    GROUP BY p.person, o.assessment_id, o.service_id, s.provider, s.in_scope
    UNION ALL
    -- One plan over all its editions.
    SELECT p.person, 'Plan', l.episode_id, min(l.service_id::text)::uuid, min(s.provider), bool_or(s.in_scope), london_day(min(l.created_at)),
           CASE WHEN count(*) > 1 THEN london_day(max(l.created_at)) END, min(l.in_force_from), NULL, NULL, NULL, NULL, NULL
    FROM records p JOIN plans l ON l.person_id = p.id JOIN places s ON s.id = l.service_id
    WHERE l.entered_in_error_at IS NULL AND l.state <> 'Draft'
    GROUP BY p.person, l.episode_id
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The people of the oldest changes, with all their changes, which are then no longer in the queue: a change in one of a person's records is a change
-- of them all. Read what is recorded of them in a later statement of the same transaction.
CREATE FUNCTION take_dirty_people(p_limit integer) RETURNS SETOF uuid
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH oldest AS (SELECT DISTINCT person_id FROM (SELECT person_id FROM dirty_people ORDER BY id LIMIT p_limit) o),
         taken AS (DELETE FROM dirty_people d USING oldest WHERE d.person_id = oldest.person_id RETURNING d.person_id)
    SELECT DISTINCT r FROM (SELECT DISTINCT person_id FROM taken) t, records_of(t.person_id) r
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION people_after(p_after uuid, p_limit integer) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id FROM people WHERE id > p_after ORDER BY id LIMIT p_limit
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Makes the facts of these people what they are given as. The answer is how many rows that changed, without those of people who are in the queue
-- again meanwhile, or of whom that is not known because a service is: what is recorded of them has changed while they were measured.
CREATE FUNCTION store_spell_facts(p_people uuid[], p_facts jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    settled uuid[] := ARRAY(SELECT one.id FROM unnest(p_people) one (id)
                            WHERE NOT EXISTS (SELECT FROM dirty_services)
                              AND NOT EXISTS (SELECT FROM people p JOIN dirty_people d ON d.person_id = p.id WHERE p.id = one.id OR p.merged_into = one.id));
    gone bigint;
    made bigint;
BEGIN
    WITH deleted AS (
        DELETE FROM spell_facts f WHERE f.person_id = ANY (p_people)
          AND NOT EXISTS (SELECT FROM jsonb_populate_recordset(NULL::spell_facts, p_facts) w WHERE w.person_id = f.person_id AND w IS NOT DISTINCT FROM f)
        RETURNING f.person_id)
    SELECT count(*) INTO gone FROM deleted WHERE person_id = ANY (settled);
    WITH inserted AS (
        INSERT INTO spell_facts SELECT * FROM jsonb_populate_recordset(NULL::spell_facts, p_facts)
        ON CONFLICT DO NOTHING -- the rows that stayed
        RETURNING person_id)
    SELECT count(*) INTO made FROM inserted WHERE person_id = ANY (settled);
    RETURN gone + made;
END $$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION clock_people, clock_events, queue_people_of_services, take_dirty_people, queue_ended_residences, people_after, store_spell_facts TO cmhf_app;
