-- +goose Up

CREATE TABLE reaching_steps (
    id          uuid PRIMARY KEY,
    episode_id  uuid NOT NULL REFERENCES episodes,
    kind        text NOT NULL CHECK (kind IN ('Attempt', 'CarerContacted', 'GPContacted', 'RiskReview')),
    channel     text CHECK (channel IN ('Phone', 'Text', 'Email', 'Letter', 'Visit')),
    happened_on date NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((kind = 'Attempt') = (channel IS NOT NULL))
);
CREATE INDEX reaching_steps_episode ON reaching_steps (episode_id);

CREATE TABLE return_plans (
    episode_id    uuid PRIMARY KEY REFERENCES episodes,
    summary       text NOT NULL CHECK (length(btrim(summary)) BETWEEN 1 AND 4000),
    how_to_return text NOT NULL CHECK (length(btrim(how_to_return)) BETWEEN 1 AND 1000),
    valid_until   date NOT NULL,
    recorded_by   text NOT NULL,
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    -- The plan's end bounds how long the service sees the person after the closure.
    CONSTRAINT return_plan_ends CHECK (valid_until <= (recorded_at AT TIME ZONE 'Europe/London')::date + interval '3 years')
);

CREATE TABLE closures (
    episode_id             uuid PRIMARY KEY REFERENCES episodes,
    reason                 text NOT NULL,
    basis                  text NOT NULL,
    closed_on              date NOT NULL,
    recorded_as            text CHECK (recorded_as IN ('Receiver', 'OnBehalf')),
    receiver_service_id    uuid REFERENCES services,
    receiver_name          text CHECK (length(btrim(receiver_name)) BETWEEN 1 AND 200),
    receiver_organisation  text CHECK (length(btrim(receiver_organisation)) BETWEEN 1 AND 200),
    agreed_on              date,
    channel                text CHECK (channel IN ('InPerson', 'Phone', 'Email', 'Letter', 'System')),
    told_how               text CHECK (length(btrim(told_how)) BETWEEN 1 AND 1000),
    capacity               text CHECK (capacity IN ('HasCapacity', 'LacksCapacity')),
    signed_off_by          text,
    died_on                date,
    death_source           text CHECK (death_source IN ('Family', 'GP', 'Hospital', 'Coroner', 'NationalRecord')),
    recorded_by            text NOT NULL,
    recorded_at            timestamptz NOT NULL DEFAULT now(),
    -- The permitted reasons and what each may rest on. Not attending is not among them.
    CONSTRAINT permitted_reason CHECK (
        (reason IN ('SupportComplete', 'SupportElsewhere') AND basis IN ('Acceptance', 'Choice'))
        OR (reason = 'PersonChose' AND basis = 'Choice')
        OR (reason = 'MovedAway' AND basis = 'Acceptance')
        OR (reason = 'NotEngaging' AND basis = 'Holder')
        OR (reason = 'Died' AND basis = 'Death')),
    CONSTRAINT named_receiver CHECK (basis NOT IN ('Acceptance', 'Holder')
        OR (receiver_name IS NOT NULL AND receiver_organisation IS NOT NULL AND agreed_on IS NOT NULL)),
    CONSTRAINT recorded_acceptance CHECK (basis <> 'Acceptance'
        OR (recorded_as IS NOT NULL AND (recorded_as = 'Receiver') = (receiver_service_id IS NOT NULL) AND (recorded_as = 'Receiver' OR channel IS NOT NULL))),
    CONSTRAINT choice_with_capacity CHECK (basis <> 'Choice' OR (told_how IS NOT NULL AND capacity IS NOT NULL AND capacity = 'HasCapacity')),
    CONSTRAINT senior_sign_off CHECK (basis <> 'Holder' OR signed_off_by IS NOT NULL),
    CONSTRAINT death_recorded CHECK ((basis = 'Death') = (died_on IS NOT NULL AND death_source IS NOT NULL)),
    CONSTRAINT not_in_the_future CHECK (agreed_on <= closed_on AND died_on <= closed_on)
);
CREATE INDEX closures_closed_on ON closures (closed_on);

-- +goose StatementBegin
CREATE FUNCTION closure_allowed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    episode episodes;
    opened_on date;
    missing text;
BEGIN
    NEW.closed_on := (now() AT TIME ZONE 'Europe/London')::date; -- not the writer's to choose
    SELECT * INTO STRICT episode FROM episodes WHERE id = NEW.episode_id FOR UPDATE;
    IF episode.state <> 'Open' THEN
        RAISE EXCEPTION USING ERRCODE = 'CM003', MESSAGE = 'the episode is closed already';
    END IF;
    opened_on := (episode.opened_at AT TIME ZONE 'Europe/London')::date;
    IF NEW.basis <> 'Death' AND NOT EXISTS (SELECT FROM return_plans p WHERE p.episode_id = NEW.episode_id AND p.valid_until >= NEW.closed_on) THEN
        missing := 'return-plan';
    ELSIF NEW.basis IN ('Choice', 'Holder') AND EXISTS (SELECT FROM legal_duties d WHERE d.person_id = episode.person_id AND d.ended_at IS NULL) THEN
        missing := 'acceptance';
    ELSIF NEW.recorded_as = 'Receiver' AND (NEW.receiver_service_id = episode.responsible_service_id
                                            OR NOT coalesce(NEW.receiver_service_id = ANY (caller_services()), false)) THEN
        missing := 'acceptance';
    ELSIF NEW.basis = 'Holder' THEN
        SELECT CASE WHEN count(DISTINCT channel) FILTER (WHERE kind = 'Attempt') < 2 THEN 'reaching-attempts'
                    WHEN count(*) FILTER (WHERE kind IN ('CarerContacted', 'GPContacted')) = 0 THEN 'carer-or-gp-contact'
                    WHEN count(*) FILTER (WHERE kind = 'RiskReview') = 0 THEN 'risk-review'
                    WHEN NEW.agreed_on < opened_on THEN 'named-holder' END
        INTO missing FROM reaching_steps s
        WHERE s.episode_id = NEW.episode_id AND s.happened_on BETWEEN opened_on AND NEW.closed_on;
    END IF;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CM004', MESSAGE = 'the closure lacks something that rule 4 asks for', DETAIL = missing;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER closure_allowed BEFORE INSERT ON closures FOR EACH ROW EXECUTE FUNCTION closure_allowed();

-- +goose StatementBegin
CREATE FUNCTION closure_recorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    person uuid;
BEGIN
    UPDATE episodes SET state = 'Closed', closed_at = now() WHERE id = NEW.episode_id RETURNING person_id INTO STRICT person;
    -- The service sees the person for 90 days, and for as long as the return plan is valid.
    UPDATE person_access SET until = greatest(now() + interval '90 days',
            (SELECT (valid_until + 1)::timestamp AT TIME ZONE 'Europe/London' FROM return_plans p WHERE p.episode_id = NEW.episode_id))
    WHERE source_id = NEW.episode_id;
    IF NEW.basis = 'Death' THEN
        UPDATE people SET died_on = NEW.died_on, death_source = NEW.death_source WHERE id = person AND died_on IS NULL;
        UPDATE referrals SET state = 'Died', outcome_by = NEW.recorded_by, outcome_at = now() WHERE person_id = person AND state = 'Open';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER closure_recorded AFTER INSERT ON closures FOR EACH ROW EXECUTE FUNCTION closure_recorded();

ALTER TABLE reaching_steps ENABLE ROW LEVEL SECURITY;
ALTER TABLE return_plans ENABLE ROW LEVEL SECURITY;
ALTER TABLE closures ENABLE ROW LEVEL SECURITY;

CREATE POLICY visible ON reaching_steps FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM episodes e WHERE e.id = episode_id));
CREATE POLICY visible ON return_plans FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM episodes e WHERE e.id = episode_id));
CREATE POLICY visible ON closures FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM episodes e WHERE e.id = episode_id));
-- Only the responsible service writes, and only while the episode is open.
CREATE POLICY record ON reaching_steps FOR INSERT TO cmhf_app WITH CHECK (recorded_by = caller_subject()
    AND EXISTS (SELECT FROM episodes e WHERE e.id = episode_id AND e.state = 'Open' AND e.responsible_service_id = ANY ((SELECT caller_services())::uuid[])));
CREATE POLICY record ON return_plans FOR INSERT TO cmhf_app WITH CHECK (recorded_by = caller_subject()
    AND EXISTS (SELECT FROM episodes e WHERE e.id = episode_id AND e.state = 'Open' AND e.responsible_service_id = ANY ((SELECT caller_services())::uuid[])));
CREATE POLICY record ON closures FOR INSERT TO cmhf_app WITH CHECK (recorded_by = caller_subject()
    AND EXISTS (SELECT FROM episodes e WHERE e.id = episode_id AND e.responsible_service_id = ANY ((SELECT caller_services())::uuid[])));

GRANT SELECT, INSERT (id, episode_id, kind, channel, happened_on, recorded_by) ON reaching_steps TO cmhf_app;
GRANT SELECT, INSERT (episode_id, summary, how_to_return, valid_until, recorded_by) ON return_plans TO cmhf_app;
GRANT SELECT, INSERT (episode_id, reason, basis, recorded_as, receiver_service_id, receiver_name, receiver_organisation, agreed_on,
                      channel, told_how, capacity, signed_off_by, died_on, death_source, recorded_by) ON closures TO cmhf_app;
