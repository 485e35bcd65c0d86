-- +goose Up

-- Partner organisations: employers, schools, councils, housing, voluntary groups, health and care. code is what their officers' tokens carry.
CREATE TABLE organisations (
    code       text PRIMARY KEY CHECK (length(btrim(code)) BETWEEN 1 AND 200),
    name       text NOT NULL CHECK (length(btrim(name)) BETWEEN 1 AND 200),
    sector     text NOT NULL CHECK (sector IN ('Employer', 'Education', 'LocalAuthority', 'Housing', 'Voluntary', 'Health', 'SocialCare', 'Justice', 'Other')),
    changed_by text NOT NULL,
    version    bigint NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- How far an organisation is with an action that a framework asks of its sector. Frameworks and their actions are defined elsewhere.
CREATE TABLE action_progress (
    id           uuid PRIMARY KEY,
    framework    text NOT NULL CHECK (framework ~ '^[a-z0-9][a-z0-9.-]{0,62}$'),
    action       text NOT NULL CHECK (action ~ '^[a-z0-9][a-z0-9.-]{0,62}$'),
    organisation text NOT NULL REFERENCES organisations,
    state        text NOT NULL CHECK (state IN ('NotStarted', 'Planned', 'UnderWay', 'Done', 'NotApplicable')),
    evidence     text CHECK (length(btrim(evidence)) BETWEEN 1 AND 4000),
    state_on     date NOT NULL,
    due_on       date,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    changed_by   text NOT NULL,
    version      bigint NOT NULL DEFAULT 1,
    updated_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organisation, framework, action),
    CONSTRAINT done_with_evidence CHECK (state NOT IN ('Done', 'NotApplicable') OR evidence IS NOT NULL),
    CONSTRAINT not_in_the_future CHECK (state_on <= (updated_at AT TIME ZONE 'Europe/London')::date)
);
CREATE INDEX action_progress_list ON action_progress (organisation, recorded_at DESC, id DESC);

-- What was said before about an action: steps are dated, and none is lost when the next one is told.
CREATE TABLE action_progress_steps (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    progress_id uuid NOT NULL REFERENCES action_progress,
    state       text NOT NULL,
    state_on    date NOT NULL,
    changed_by  text NOT NULL,
    at          timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX action_progress_steps_progress ON action_progress_steps (progress_id);

-- +goose StatementBegin
CREATE FUNCTION keep_progress_step() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO action_progress_steps (progress_id, state, state_on, changed_by) VALUES (NEW.id, NEW.state, NEW.state_on, NEW.changed_by);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER keep_progress_step AFTER INSERT OR UPDATE ON action_progress FOR EACH ROW EXECUTE FUNCTION keep_progress_step();
CREATE TRIGGER next_version BEFORE UPDATE ON organisations   FOR EACH ROW EXECUTE FUNCTION next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON action_progress FOR EACH ROW EXECUTE FUNCTION next_version();

ALTER TABLE organisations         ENABLE ROW LEVEL SECURITY;
ALTER TABLE action_progress       ENABLE ROW LEVEL SECURITY;
ALTER TABLE action_progress_steps ENABLE ROW LEVEL SECURITY;
CREATE POLICY known ON organisations FOR SELECT TO cmhf_app USING (caller_subject() IS NOT NULL);
CREATE POLICY own_insert ON organisations FOR INSERT TO cmhf_app WITH CHECK (code = caller_organisation() AND changed_by = caller_subject());
CREATE POLICY own_update ON organisations FOR UPDATE TO cmhf_app USING (code = caller_organisation()) WITH CHECK (changed_by = caller_subject());
CREATE POLICY own ON action_progress FOR SELECT TO cmhf_app USING (organisation = caller_organisation());
CREATE POLICY own_insert ON action_progress FOR INSERT TO cmhf_app WITH CHECK (organisation = caller_organisation() AND changed_by = caller_subject());
CREATE POLICY own_update ON action_progress FOR UPDATE TO cmhf_app USING (organisation = caller_organisation()) WITH CHECK (changed_by = caller_subject());
CREATE POLICY own ON action_progress_steps FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM action_progress p WHERE p.id = progress_id));

GRANT SELECT, INSERT (code, name, sector, changed_by), UPDATE (name, sector, changed_by) ON organisations TO cmhf_app;
GRANT SELECT, INSERT (id, framework, action, organisation, state, evidence, state_on, due_on, changed_by),
      UPDATE (state, evidence, state_on, due_on, changed_by) ON action_progress TO cmhf_app;
GRANT SELECT ON action_progress_steps TO cmhf_app;
