-- +goose Up

-- The one plan of an episode. Each version is a row: written as a draft, put in force with the person's agreement or the recorded reason
-- why it lacks that, and from then on unchanged until the next version takes its place.
-- version counts changes of the row, for If-Match; edition is the number of the plan's version within the episode.
CREATE TABLE plans (
    id                   uuid PRIMARY KEY,
    person_id            uuid NOT NULL REFERENCES people,
    episode_id           uuid NOT NULL REFERENCES episodes,
    service_id           uuid NOT NULL REFERENCES services,
    edition              integer NOT NULL,
    previous_id          uuid REFERENCES plans,
    kind                 text NOT NULL CHECK (kind IN ('MentalHealth', 'UrgentOrEmergency', 'PositiveBehaviourSupport', 'Transition')),
    state                text NOT NULL DEFAULT 'Draft' CHECK (state IN ('Draft', 'InForce', 'Superseded', 'EnteredInError')),
    summary              text CHECK (length(btrim(summary)) BETWEEN 1 AND 4000),
    review_on            date,
    in_force_from        date,
    agreement            text CHECK (agreement IN ('Person', 'NotAgreed', 'BestInterests', 'Attorney', 'Advocate')),
    -- The day of the agreement; a plan without one is in force and not agreed.
    agreed_on            date GENERATED ALWAYS AS (CASE WHEN agreement <> 'NotAgreed' THEN in_force_from END) STORED,
    capacity             text CHECK (capacity IN ('HasCapacity', 'LacksCapacity')),
    why_not              text CHECK (length(btrim(why_not)) BETWEEN 1 AND 1000),
    best_interests       text CHECK (length(btrim(best_interests)) BETWEEN 1 AND 4000),
    representative       text CHECK (length(btrim(representative)) BETWEEN 1 AND 200),
    settled_by           text,
    created_by           text NOT NULL,
    created_at           timestamptz NOT NULL DEFAULT now(),
    changed_by           text NOT NULL,
    entered_in_error_at  timestamptz,
    entered_in_error_by  text,
    entered_in_error_why text CHECK (entered_in_error_why IN ('WrongPerson', 'WrongDetails', 'Duplicate', 'NeverHappened')),
    version              bigint NOT NULL DEFAULT 1,
    updated_at           timestamptz NOT NULL DEFAULT now(),
    UNIQUE (episode_id, edition),
    CONSTRAINT agreement_is_whole CHECK (num_nulls(in_force_from, agreement, capacity, settled_by) IN (0, 4)),
    CONSTRAINT agreement_of_what_is_settled CHECK (state = 'EnteredInError' OR (state = 'Draft') = (agreement IS NULL)),
    CONSTRAINT grounds CHECK (agreement IS NULL
        OR (agreement = 'Person' AND capacity = 'HasCapacity')
        OR (agreement = 'NotAgreed' AND capacity = 'HasCapacity' AND why_not IS NOT NULL)
        OR (agreement = 'BestInterests' AND capacity = 'LacksCapacity' AND best_interests IS NOT NULL)
        OR (agreement = 'Attorney' AND capacity = 'LacksCapacity' AND representative IS NOT NULL)
        OR (agreement = 'Advocate' AND capacity = 'LacksCapacity' AND representative IS NOT NULL AND best_interests IS NOT NULL)),
    CONSTRAINT reviewed_within_a_year CHECK (agreement IS NULL
        OR (review_on IS NOT NULL AND review_on > in_force_from AND review_on <= in_force_from + interval '1 year')),
    CONSTRAINT marked_whole CHECK (num_nulls(entered_in_error_at, entered_in_error_by, entered_in_error_why) = CASE state WHEN 'EnteredInError' THEN 0 ELSE 3 END)
);
CREATE UNIQUE INDEX plans_one_draft ON plans (episode_id) WHERE state = 'Draft';
CREATE UNIQUE INDEX plans_one_in_force ON plans (episode_id) WHERE state = 'InForce';
CREATE INDEX plans_review ON plans (review_on, id) WHERE state = 'InForce';
CREATE INDEX plans_person ON plans (person_id);
INSERT INTO record_tables VALUES ('plans');

CREATE TABLE plan_goals (
    id        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    plan_id   uuid NOT NULL REFERENCES plans ON DELETE CASCADE,
    position  integer NOT NULL CHECK (position BETWEEN 1 AND 20),
    goal      text NOT NULL CHECK (length(btrim(goal)) BETWEEN 1 AND 1000),
    own_words boolean NOT NULL,
    UNIQUE (plan_id, position)
);
CREATE TABLE plan_needs (
    id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    plan_id  uuid NOT NULL REFERENCES plans ON DELETE CASCADE,
    position integer NOT NULL CHECK (position BETWEEN 1 AND 20),
    domain   text NOT NULL CHECK (domain IN ('MentalHealth', 'PhysicalHealth', 'Money', 'Housing', 'Work', 'Education', 'Relationships', 'Caring', 'DailyLiving', 'Safety', 'Community', 'Other')),
    need     text NOT NULL CHECK (length(btrim(need)) BETWEEN 1 AND 1000),
    UNIQUE (plan_id, position)
);
CREATE TABLE plan_actions (
    id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    plan_id  uuid NOT NULL REFERENCES plans ON DELETE CASCADE,
    position integer NOT NULL CHECK (position BETWEEN 1 AND 40),
    what     text NOT NULL CHECK (length(btrim(what)) BETWEEN 1 AND 1000),
    who      text NOT NULL CHECK (length(btrim(who)) BETWEEN 1 AND 200),
    due_on   date NOT NULL,
    domain   text CHECK (domain IN ('MentalHealth', 'PhysicalHealth', 'Money', 'Housing', 'Work', 'Education', 'Relationships', 'Caring', 'DailyLiving', 'Safety', 'Community', 'Other')),
    UNIQUE (plan_id, position)
);
-- Plans that others keep for the person under duties of their own, so that whoever reads this one knows of them.
CREATE TABLE plan_links (
    id        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    plan_id   uuid NOT NULL REFERENCES plans ON DELETE CASCADE,
    position  integer NOT NULL CHECK (position BETWEEN 1 AND 10),
    kind      text NOT NULL CHECK (kind IN ('Section117', 'CareAct', 'CommunityTreatmentOrder', 'AdvanceStatement', 'AdvanceDecision', 'EducationHealthAndCare', 'CarersSupport', 'Other')),
    held_by   text NOT NULL CHECK (length(btrim(held_by)) BETWEEN 1 AND 200),
    reference text CHECK (length(btrim(reference)) BETWEEN 1 AND 200),
    UNIQUE (plan_id, position)
);

-- +goose StatementBegin
-- Takes a place in the episode's line of versions, one writer after the other.
CREATE FUNCTION plan_drafted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    episode episodes;
    in_force uuid;
BEGIN
    SELECT * INTO episode FROM episodes WHERE id = NEW.episode_id FOR NO KEY UPDATE;
    IF episode.id IS NULL OR episode.state <> 'Open' OR episode.responsible_service_id <> NEW.service_id THEN
        RAISE EXCEPTION USING ERRCODE = 'CM050', MESSAGE = 'a plan is made by the service that supports the person, in an open episode';
    END IF;
    IF (SELECT died_on FROM people WHERE id = episode.person_id FOR SHARE) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CM005', MESSAGE = 'the person has died';
    END IF;
    SELECT id INTO in_force FROM plans WHERE episode_id = NEW.episode_id AND state = 'InForce';
    IF NEW.state <> 'Draft' OR EXISTS (SELECT FROM plans WHERE episode_id = NEW.episode_id AND state = 'Draft')
       OR (in_force IS NOT NULL AND NEW.previous_id IS DISTINCT FROM in_force)
       OR (NEW.previous_id IS NOT NULL AND NOT EXISTS (SELECT FROM plans WHERE id = NEW.previous_id AND episode_id = NEW.episode_id AND state IN ('InForce', 'Superseded'))) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM051', MESSAGE = 'an episode has one plan: its next version is one draft that follows the version in force';
    END IF;
    NEW.person_id := episode.person_id;
    SELECT coalesce(max(edition), 0) + 1 INTO NEW.edition FROM plans WHERE episode_id = NEW.episode_id;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER plan_drafted BEFORE INSERT ON plans FOR EACH ROW EXECUTE FUNCTION plan_drafted();

-- +goose StatementBegin
-- What a plan lacks to be in force, or null. What one row can tell is in the table's constraints.
CREATE FUNCTION plan_lacks(p plans) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN NOT EXISTS (SELECT FROM plan_goals g WHERE g.plan_id = p.id AND g.own_words) THEN 'goal'
        WHEN p.review_on IS NULL OR p.review_on < (now() AT TIME ZONE 'Europe/London')::date THEN 'review-date'
        WHEN p.agreement IS NULL OR p.in_force_from IS NULL OR p.in_force_from > (now() AT TIME ZONE 'Europe/London')::date
             OR p.in_force_from < episode_begins(p.episode_id) THEN 'agreement' END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION plan_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    -- What may differ on a plan that is no draft: its state, who changed that, and what triggers keep. A merge of records moves it to another person.
    -- agreed_on follows from the others.
    free constant text[] := ARRAY['state', 'changed_by', 'entered_in_error_at', 'entered_in_error_by', 'entered_in_error_why', 'version', 'updated_at',
                                  'person_id', 'agreed_on'];
    closed timestamptz;
    missing text;
BEGIN
    IF OLD.state <> 'Draft' AND to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free THEN
        RAISE EXCEPTION USING ERRCODE = 'CM051', MESSAGE = 'a settled plan changes by a new version only';
    END IF;
    IF OLD.state = 'EnteredInError' AND (NEW.state, NEW.entered_in_error_by, NEW.entered_in_error_why)
       IS DISTINCT FROM (OLD.state, OLD.entered_in_error_by, OLD.entered_in_error_why) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM050', MESSAGE = 'the plan is marked as entered in error already';
    END IF;
    CASE
    WHEN NEW.state = OLD.state THEN
        NULL;
    WHEN NEW.state = 'EnteredInError' THEN
        NEW.entered_in_error_at := now();
    WHEN OLD.state = 'InForce' AND NEW.state = 'Superseded' AND pg_trigger_depth() > 1 THEN
        NULL; -- by the version that comes into force, below
    WHEN OLD.state = 'Draft' AND NEW.state = 'InForce' THEN
        SELECT closed_at INTO closed FROM episodes WHERE id = NEW.episode_id FOR NO KEY UPDATE;
        IF closed IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'CM050', MESSAGE = 'the episode is closed';
        END IF;
        IF (SELECT died_on FROM people WHERE id = NEW.person_id FOR SHARE) IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'CM005', MESSAGE = 'the person has died';
        END IF;
        missing := plan_lacks(NEW);
        IF missing IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'CM052', MESSAGE = 'the plan lacks something that rule 7 asks for', DETAIL = missing;
        END IF;
        NEW.settled_by := caller_subject();
        UPDATE plans SET state = 'Superseded', changed_by = NEW.changed_by WHERE episode_id = NEW.episode_id AND state = 'InForce';
    ELSE
        RAISE EXCEPTION USING ERRCODE = 'CM051', MESSAGE = 'a plan goes from draft to in force to superseded, or is marked as entered in error';
    END CASE;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER next_version BEFORE UPDATE ON plans FOR EACH ROW EXECUTE FUNCTION next_version();
CREATE TRIGGER plan_changed BEFORE UPDATE ON plans FOR EACH ROW EXECUTE FUNCTION plan_changed();

-- +goose StatementBegin
-- Parts change while their plan is a draft. A plan that is gone takes its parts along.
CREATE FUNCTION part_of_a_draft() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    held text;
BEGIN
    SELECT state INTO held FROM plans WHERE id = CASE TG_OP WHEN 'INSERT' THEN NEW.plan_id ELSE OLD.plan_id END FOR NO KEY UPDATE;
    IF held <> 'Draft' OR TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION USING ERRCODE = 'CM051', MESSAGE = 'a settled plan changes by a new version only';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The version of a plan grows once for each statement that writes or strikes parts of it, however many.
CREATE FUNCTION plan_parts_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE plans SET version = version + 1 WHERE id IN (SELECT plan_id FROM parts);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- The same protection for every table of parts: seen with the plan, written by the responsible service in an open episode while the plan is a draft.
-- +goose StatementBegin
DO $$
DECLARE
    part text;
    writable constant text := 'EXISTS (SELECT FROM plans p JOIN episodes e ON e.id = p.episode_id WHERE p.id = plan_id AND p.state = ''Draft'' AND e.state = ''Open''
                                       AND e.responsible_service_id = ANY ((SELECT caller_services())::uuid[]))';
BEGIN
    FOREACH part IN ARRAY ARRAY['plan_goals', 'plan_needs', 'plan_actions', 'plan_links'] LOOP
        EXECUTE format('CREATE TRIGGER part_of_a_draft BEFORE INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION part_of_a_draft()', part);
        EXECUTE format('CREATE TRIGGER parts_added AFTER INSERT ON %I REFERENCING NEW TABLE AS parts FOR EACH STATEMENT EXECUTE FUNCTION plan_parts_changed()', part);
        EXECUTE format('CREATE TRIGGER parts_struck AFTER DELETE ON %I REFERENCING OLD TABLE AS parts FOR EACH STATEMENT EXECUTE FUNCTION plan_parts_changed()', part);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', part);
        EXECUTE format('CREATE POLICY visible ON %I FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM plans p WHERE p.id = plan_id))', part);
        EXECUTE format('CREATE POLICY write ON %I FOR INSERT TO cmhf_app WITH CHECK (%s)', part, writable);
        EXECUTE format('CREATE POLICY strike ON %I FOR DELETE TO cmhf_app USING (%s)', part, writable);
        EXECUTE format('GRANT SELECT, DELETE ON %I TO cmhf_app', part);
    END LOOP;
END $$;
-- +goose StatementEnd
GRANT INSERT (plan_id, position, goal, own_words) ON plan_goals TO cmhf_app;
GRANT INSERT (plan_id, position, domain, need) ON plan_needs TO cmhf_app;
GRANT INSERT (plan_id, position, what, who, due_on, domain) ON plan_actions TO cmhf_app;
GRANT INSERT (plan_id, position, kind, held_by, reference) ON plan_links TO cmhf_app;

ALTER TABLE plans ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON plans FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = plans.person_id));
CREATE POLICY draft ON plans FOR INSERT TO cmhf_app
    WITH CHECK (created_by = caller_subject() AND changed_by = caller_subject() AND service_id = ANY ((SELECT caller_services())::uuid[])
                AND EXISTS (SELECT FROM people p WHERE p.id = plans.person_id));
-- The service that is responsible now keeps the plan, whoever wrote it.
CREATE POLICY change ON plans FOR UPDATE TO cmhf_app
    USING (EXISTS (SELECT FROM episodes e WHERE e.id = plans.episode_id AND e.responsible_service_id = ANY ((SELECT caller_services())::uuid[])))
    WITH CHECK (changed_by = caller_subject() AND (entered_in_error_by IS NULL OR entered_in_error_by = caller_subject()));
GRANT SELECT, INSERT (id, episode_id, service_id, previous_id, kind, summary, review_on, created_by, changed_by),
      UPDATE (kind, summary, review_on, state, in_force_from, agreement, capacity, why_not, best_interests, representative, changed_by,
              entered_in_error_by, entered_in_error_why) ON plans TO cmhf_app;
