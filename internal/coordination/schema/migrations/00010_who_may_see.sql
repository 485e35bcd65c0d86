-- +goose Up

-- Beside having a service that may see a person, two things decide who does: a list of the only people who may (named access), and the
-- person's objections to organisations. Both stand on person_access, through which every policy about a person goes, so no table can
-- forget them. For nearly everyone restricted is false and costs nothing.
ALTER TABLE person_access ADD COLUMN restricted boolean NOT NULL DEFAULT false;

CREATE INDEX referrals_without_outcome ON referrals (person_id, responsible_service_id) WHERE outcome_at IS NULL;

-- One of the caller's services has something open with the person: a referral, an episode, a handover. Who sees the person for another
-- reason reads and does not write.
CREATE FUNCTION caller_supports(p_person uuid) RETURNS boolean LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM person_access a WHERE a.person_id = p_person AND a.until IS NULL AND a.service_id = ANY (caller_services()));

-- One of the caller's services is responsible for the person: for an episode, or for a referral that waits.
CREATE FUNCTION caller_responsible(p_person uuid) RETURNS boolean LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM episodes e WHERE e.person_id = p_person AND e.state = 'Open' AND e.responsible_service_id = ANY (caller_services()))
    OR EXISTS (SELECT FROM referrals r WHERE r.person_id = p_person AND r.outcome_at IS NULL AND r.responsible_service_id = ANY (caller_services()));
GRANT EXECUTE ON FUNCTION caller_supports, caller_responsible TO cmhf_app;

-- The only people who may see the person, as the identity provider names them. Who sets the list stands on it, so at least one person of
-- the responsible service can see the record and change the list. A list is never changed: a new one follows.
CREATE TABLE named_access (
    id        uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES people,
    subjects  text[] NOT NULL CHECK (cardinality(subjects) BETWEEN 1 AND 50 AND array_position(subjects, NULL) IS NULL),
    reason    text NOT NULL CHECK (length(btrim(reason)) BETWEEN 1 AND 1000),
    set_by    text NOT NULL,
    set_at    timestamptz NOT NULL DEFAULT now(),
    ended_by  text,
    ended_at  timestamptz,
    CONSTRAINT setter_is_named CHECK (set_by = ANY (subjects)),
    CHECK ((ended_by IS NULL) = (ended_at IS NULL))
);
CREATE UNIQUE INDEX named_access_current ON named_access (person_id) WHERE ended_at IS NULL;
CREATE INDEX named_access_person ON named_access (person_id);

-- The basis of sharing is care, not consent: a person may object to an organisation.
CREATE TABLE objections (
    id                    uuid PRIMARY KEY,
    person_id             uuid NOT NULL REFERENCES people,
    organisation_ods_code text NOT NULL CHECK (organisation_ods_code ~ '^[A-Z0-9]{3,8}$'),
    objected_on           date NOT NULL,
    reason                text CHECK (length(btrim(reason)) BETWEEN 1 AND 1000),
    recorded_by           text NOT NULL,
    recorded_at           timestamptz NOT NULL DEFAULT now(),
    withdrawn_by          text,
    withdrawn_at          timestamptz,
    CHECK (objected_on <= (recorded_at AT TIME ZONE 'Europe/London')::date),
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL))
);
CREATE UNIQUE INDEX objections_current ON objections (person_id, organisation_ods_code) WHERE withdrawn_at IS NULL;
CREATE INDEX objections_person ON objections (person_id);

CREATE FUNCTION person_restricted(p_person uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM named_access n WHERE n.person_id = p_person AND n.ended_at IS NULL)
        OR EXISTS (SELECT FROM objections o WHERE o.person_id = p_person AND o.withdrawn_at IS NULL)
$$;

-- What restricted asks for. A list binds everyone, emergency access too. An objection does not bind a service that is responsible or is
-- asked to help at this moment (its reason to see the person has no end), nor emergency access: care comes first.
CREATE FUNCTION access_permitted(p_person uuid, p_service uuid, p_why text, p_until timestamptz) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT NOT EXISTS (SELECT FROM named_access n WHERE n.person_id = p_person AND n.ended_at IS NULL
                       AND NOT coalesce(caller_subject() = ANY (n.subjects), false))
       AND (p_until IS NULL OR p_why = 'Emergency' OR p_person::text = current_setting('cmhf.parting_person', true)
            OR NOT EXISTS (SELECT FROM objections o JOIN services s ON s.lead_provider_ods_code = o.organisation_ods_code
                           WHERE o.person_id = p_person AND o.withdrawn_at IS NULL AND s.id = p_service))
$$;
GRANT EXECUTE ON FUNCTION access_permitted TO cmhf_app;

CREATE POLICY restrictions ON person_access AS RESTRICTIVE FOR SELECT TO cmhf_app
    USING (NOT restricted OR access_permitted(person_id, service_id, why, until));

-- The same question for definer functions, for which no policy works.
CREATE FUNCTION caller_sees(p_person uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM person_access a
                   WHERE a.person_id = p_person AND a.service_id = ANY (caller_services()) AND (a.until IS NULL OR a.until > now())
                     AND (NOT a.restricted OR access_permitted(a.person_id, a.service_id, a.why, a.until)))
$$;
GRANT EXECUTE ON FUNCTION caller_sees TO cmhf_app;

-- +goose StatementBegin
-- The lock makes this wait for those who give a service access at this moment, and them for this.
CREATE FUNCTION restriction_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM people WHERE id = NEW.person_id FOR UPDATE;
    UPDATE person_access SET restricted = person_restricted(NEW.person_id)
    WHERE person_id = NEW.person_id AND restricted <> person_restricted(NEW.person_id);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER restriction_changed AFTER INSERT OR UPDATE ON named_access FOR EACH ROW EXECUTE FUNCTION restriction_changed();
CREATE TRIGGER restriction_changed AFTER INSERT OR UPDATE ON objections   FOR EACH ROW EXECUTE FUNCTION restriction_changed();

-- +goose StatementBegin
CREATE FUNCTION access_inherits_restriction() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM people WHERE id = NEW.person_id FOR KEY SHARE;
    NEW.restricted := person_restricted(NEW.person_id);
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER access_inherits_restriction BEFORE INSERT OR UPDATE OF person_id ON person_access
    FOR EACH ROW EXECUTE FUNCTION access_inherits_restriction();

-- +goose StatementBegin
-- A service whose reason to see the person ends (it closes an episode, say) still sees them to the end of that transaction: otherwise what
-- it did would be refused for want of an answer.
CREATE FUNCTION access_ends() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM set_config('cmhf.parting_person', NEW.person_id::text, true);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER access_ends AFTER UPDATE OF until ON person_access
    FOR EACH ROW WHEN (NEW.restricted AND OLD.until IS NULL AND NEW.until IS NOT NULL) EXECUTE FUNCTION access_ends();

-- +goose StatementBegin
-- Who sees the person sees the objection too and talks it through with them first. Who does not see it learns nothing here: the
-- referral is taken. The person's own request, and a crisis, are never refused.
CREATE FUNCTION referral_respects_objection() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.route NOT IN ('Self', 'Crisis') AND caller_sees(NEW.person_id)
       AND EXISTS (SELECT FROM objections o JOIN services s ON s.lead_provider_ods_code = o.organisation_ods_code
                   WHERE o.person_id = NEW.person_id AND o.withdrawn_at IS NULL AND s.id = NEW.service_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM010', MESSAGE = 'the person objects to the organisation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER referral_respects_objection BEFORE INSERT ON referrals FOR EACH ROW EXECUTE FUNCTION referral_respects_objection();

-- Makes those who change a person's record at once do so one after the other, and gives the version that is then current. Nothing is
-- locked, and there is no answer, when the caller does not see the person.
CREATE FUNCTION lock_person(p_person uuid) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT version FROM people WHERE id = p_person AND caller_sees(p_person) FOR UPDATE
$$;
GRANT EXECUTE ON FUNCTION lock_person TO cmhf_app;

CREATE OR REPLACE FUNCTION person_access_log(p_person uuid, p_before bigint, p_limit integer)
RETURNS TABLE (id bigint, at timestamptz, subject text, client text, role text, services text[], purpose text, operation text, outcome text, problem text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT e.id, e.at, e.subject, e.client, e.role,
           ARRAY(SELECT s.name FROM services s WHERE s.id = ANY (e.services) ORDER BY s.name), e.purpose, e.operation, e.outcome, e.problem
    FROM audit_events e
    WHERE e.person_id = p_person AND (p_before IS NULL OR e.id < p_before) AND caller_sees(p_person)
    ORDER BY e.id DESC LIMIT p_limit
$$;

-- What a part of a record said before it was changed. The owner's alone: it is for putting things right, and for the courts.
CREATE TABLE earlier_versions (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id   uuid NOT NULL REFERENCES people,
    part        text NOT NULL,
    record      jsonb NOT NULL,
    replaced_by text,
    replaced_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX earlier_versions_person ON earlier_versions (person_id);
-- +goose StatementBegin
CREATE FUNCTION keep_earlier_version() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO earlier_versions (person_id, part, record, replaced_by) VALUES (OLD.person_id, TG_TABLE_NAME, to_jsonb(OLD), caller_subject());
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- What everyone who meets the person must know. LocationSensitive hides where the person is and how they are reached from all but
-- the responsible service.
CREATE TABLE person_alerts (
    id            uuid PRIMARY KEY,
    person_id     uuid NOT NULL REFERENCES people,
    kind          text NOT NULL CHECK (kind IN ('Safeguarding', 'SafeToContact', 'LocationSensitive')),
    detail        text NOT NULL CHECK (length(btrim(detail)) BETWEEN 1 AND 2000),
    safe_channels text[] NOT NULL DEFAULT '{}' CHECK (safe_channels <@ ARRAY['Phone', 'Text', 'Email', 'Letter', 'InPerson']),
    review_on     date,
    recorded_by   text NOT NULL,
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    end_reason    text CHECK (length(btrim(end_reason)) BETWEEN 1 AND 1000),
    ended_by      text,
    ended_at      timestamptz,
    CONSTRAINT channels_of_safe_contact CHECK (kind = 'SafeToContact' OR safe_channels = '{}'),
    CHECK ((ended_by IS NULL) = (ended_at IS NULL) AND (end_reason IS NULL) = (ended_at IS NULL))
);
CREATE UNIQUE INDEX person_alerts_one_location ON person_alerts (person_id) WHERE kind = 'LocationSensitive' AND ended_at IS NULL;
CREATE INDEX person_alerts_person ON person_alerts (person_id);

ALTER TABLE people ADD COLUMN location_sensitive boolean NOT NULL DEFAULT false;
GRANT SELECT (location_sensitive) ON people TO cmhf_app;
-- +goose StatementBegin
CREATE FUNCTION location_sensitivity_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE people SET location_sensitive = NEW.ended_at IS NULL WHERE id = NEW.person_id;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER location_sensitivity_changed AFTER INSERT OR UPDATE ON person_alerts
    FOR EACH ROW WHEN (NEW.kind = 'LocationSensitive') EXECUTE FUNCTION location_sensitivity_changed();

-- The caller may see where the person is and how they are reached.
CREATE FUNCTION caller_sees_location(p_person uuid) RETURNS boolean LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM people p WHERE p.id = p_person AND (NOT p.location_sensitive OR caller_responsible(p.id)));
GRANT EXECUTE ON FUNCTION caller_sees_location TO cmhf_app;

CREATE TRIGGER part_changed AFTER INSERT OR UPDATE ON named_access  FOR EACH ROW EXECUTE FUNCTION person_part_changed();
CREATE TRIGGER part_changed AFTER INSERT OR UPDATE ON objections    FOR EACH ROW EXECUTE FUNCTION person_part_changed();
CREATE TRIGGER part_changed AFTER INSERT OR UPDATE ON person_alerts FOR EACH ROW EXECUTE FUNCTION person_part_changed();
INSERT INTO record_tables VALUES ('named_access'), ('objections'), ('person_alerts');

ALTER TABLE named_access ENABLE ROW LEVEL SECURITY;
ALTER TABLE objections ENABLE ROW LEVEL SECURITY;
ALTER TABLE earlier_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE person_alerts ENABLE ROW LEVEL SECURITY;

CREATE POLICY visible ON named_access FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = person_id));
CREATE POLICY record ON named_access FOR INSERT TO cmhf_app WITH CHECK (set_by = caller_subject() AND caller_responsible(person_id));
CREATE POLICY finish ON named_access FOR UPDATE TO cmhf_app
    USING (ended_at IS NULL AND caller_responsible(person_id)) WITH CHECK (ended_by = caller_subject());

CREATE POLICY visible ON objections FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = person_id));
CREATE POLICY record ON objections FOR INSERT TO cmhf_app WITH CHECK (recorded_by = caller_subject() AND caller_supports(person_id));
CREATE POLICY finish ON objections FOR UPDATE TO cmhf_app
    USING (withdrawn_at IS NULL AND caller_supports(person_id)) WITH CHECK (withdrawn_by = caller_subject());

CREATE POLICY visible ON person_alerts FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = person_id));
CREATE POLICY record ON person_alerts FOR INSERT TO cmhf_app WITH CHECK (recorded_by = caller_subject() AND caller_supports(person_id));
-- Who can't see the address can't have it shown to them by ending the alert.
CREATE POLICY finish ON person_alerts FOR UPDATE TO cmhf_app
    USING (ended_at IS NULL AND CASE kind WHEN 'LocationSensitive' THEN caller_responsible(person_id) ELSE caller_supports(person_id) END)
    WITH CHECK (ended_by = caller_subject());

GRANT SELECT, INSERT (id, person_id, subjects, reason, set_by), UPDATE (ended_by, ended_at) ON named_access TO cmhf_app;
GRANT SELECT, INSERT (id, person_id, organisation_ods_code, objected_on, reason, recorded_by), UPDATE (withdrawn_by, withdrawn_at) ON objections TO cmhf_app;
GRANT SELECT, INSERT (id, person_id, kind, detail, safe_channels, review_on, recorded_by), UPDATE (end_reason, ended_by, ended_at) ON person_alerts TO cmhf_app;
