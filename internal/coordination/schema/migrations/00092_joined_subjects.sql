-- +goose Up

-- Where subjects that were made beside each other meet: who may see whom, records that are one person's, the first contact, and capacity.
-- What is due follows in 00096.

-- ── Who may see whom ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- A definer function is bound by no policy, so it asks caller_sees, which knows named access and objections. Three differ, on purpose.

COMMENT ON FUNCTION grant_emergency_access IS
    'Gives sight of a person whom the caller does not see. A named list binds it all the same: what it gives stands in person_access.';
COMMENT ON FUNCTION crisis_safety_plans IS
    'Needs no sight of the person: a safety plan that a crisis service cannot read helps nobody. Number and birth date must be right, and the search is in the access log.';
COMMENT ON FUNCTION access_log_of_anyone IS
    'For auditors, who see nobody otherwise.';

-- A receiver outside the directory sees no record and learns here whom the offer is about; everyone else must see the person anyway.
CREATE OR REPLACE FUNCTION handover_person(p_handover uuid)
RETURNS TABLE (family_name text, given_name text, birth_date date, nhs_number text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p.family_name, p.given_name, p.birth_date, p.nhs_number FROM handovers h JOIN people p ON p.id = h.person_id
    WHERE h.id = p_handover AND caller_is_party(p_handover)
      AND (coalesce(h.to_ods_code = caller_organisation(), false) OR caller_sees(h.person_id))
$$;

-- +goose StatementBegin
-- As before, for a person whom the caller sees or has just named in full; and an earlier episode counts whichever record of the person it
-- stands in, while the new spell begins in the canonical one.
CREATE OR REPLACE FUNCTION re_enter(p_referral uuid, p_episode uuid, p_person uuid, p_service uuid, p_reason text, p_received_on date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    today date := (now() AT TIME ZONE 'Europe/London')::date;
    person uuid;
    earlier uuid;
    promised boolean;
    opens boolean;
    into_episode uuid;
BEGIN
    IF caller_subject() IS NULL OR NOT (p_person = coalesce(nullif(current_setting('cmhf.admitted_person', true), '')::uuid, '00000000-0000-0000-0000-000000000000')
                                        OR caller_sees(p_person)) THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'nobody may name a person whom they do not see';
    END IF;
    SELECT coalesce(merged_into, id) INTO STRICT person FROM people WHERE id = p_person FOR SHARE;
    SELECT e.id, p.valid_until >= today AND e.responsible_service_id = p_service INTO earlier, promised
    FROM episodes e JOIN return_plans p ON p.episode_id = e.id
    WHERE e.person_id IN (SELECT records_of(person)) AND e.state = 'Closed'
    ORDER BY (p.valid_until >= today AND e.responsible_service_id = p_service) DESC, e.closed_at DESC LIMIT 1;
    opens := earlier IS NOT NULL AND (promised OR coalesce(p_service = ANY (caller_services()), false))
             AND (SELECT died_on FROM people WHERE id = person FOR SHARE) IS NULL;
    INSERT INTO referrals (id, person_id, service_id, responsible_service_id, route, reason, received_on, recorded_by, re_entry)
    VALUES (p_referral, person, p_service, p_service, 'Self', p_reason, p_received_on, caller_subject(), opens);
    IF NOT opens THEN RETURN 'Referred'; END IF;
    SELECT id INTO into_episode FROM episodes WHERE person_id = person AND responsible_service_id = p_service AND state = 'Open' FOR UPDATE;
    IF into_episode IS NULL THEN
        INSERT INTO episodes (id, person_id, responsible_service_id, opened_by, previous_episode_id, safety_check_due_on)
        VALUES (p_episode, person, p_service, caller_subject(), earlier, today + standard_of(p_service, 'ReentryCheckDays'));
    END IF;
    UPDATE referrals SET state = 'Accepted', episode_id = coalesce(into_episode, p_episode), outcome_by = caller_subject(), outcome_at = now()
    WHERE id = p_referral;
    RETURN CASE WHEN into_episode IS NULL THEN 'Reentered' ELSE 'Joined' END;
END $$;
-- +goose StatementEnd

-- ── Records that are one person's ─────────────────────────────────────────────────────────────────────────────────────────────────────
-- A list and an objection are the person's: they bind every record of theirs, as duties do.

CREATE OR REPLACE FUNCTION person_restricted(p_person uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM named_access n WHERE n.person_id IN (SELECT records_of(p_person)) AND n.ended_at IS NULL)
        OR EXISTS (SELECT FROM objections o WHERE o.person_id IN (SELECT records_of(p_person)) AND o.withdrawn_at IS NULL)
$$;

-- Who stands on every list of the person.
CREATE OR REPLACE FUNCTION access_permitted(p_person uuid, p_service uuid, p_why text, p_until timestamptz) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT NOT EXISTS (SELECT FROM named_access n WHERE n.person_id IN (SELECT records_of(p_person)) AND n.ended_at IS NULL
                       AND NOT coalesce(caller_subject() = ANY (n.subjects), false))
       AND (p_until IS NULL OR p_why = 'Emergency' OR p_person::text = current_setting('cmhf.parting_person', true)
            OR NOT EXISTS (SELECT FROM objections o JOIN services s ON s.lead_provider_ods_code = o.organisation_ods_code
                           WHERE o.person_id IN (SELECT records_of(p_person)) AND o.withdrawn_at IS NULL AND s.id = p_service))
$$;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION restriction_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM people WHERE id IN (SELECT records_of(NEW.person_id)) ORDER BY id FOR UPDATE;
    UPDATE person_access SET restricted = person_restricted(NEW.person_id)
    WHERE person_id IN (SELECT records_of(NEW.person_id)) AND restricted <> person_restricted(NEW.person_id);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Records that become one person's, or are taken apart again. Whoever merges holds their locks.
CREATE FUNCTION restrictions_follow_merge() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE person_access a SET restricted = person_restricted(a.person_id)
    WHERE a.person_id IN (SELECT records_of(NEW.id) UNION SELECT records_of(coalesce(NEW.merged_into, OLD.merged_into)))
      AND a.restricted <> person_restricted(a.person_id);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER restrictions_follow_merge AFTER UPDATE OF merged_into ON people FOR EACH ROW
    WHEN (NEW.merged_into IS DISTINCT FROM OLD.merged_into) EXECUTE FUNCTION restrictions_follow_merge();

-- +goose StatementBegin
-- Two lists without a common name would hide the person from everyone, those who could change the lists included.
CREATE FUNCTION named_lists_agree() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    everybody text[] := ARRAY(SELECT DISTINCT unnest(n.subjects) FROM named_access n
                              WHERE n.ended_at IS NULL AND (n.person_id = NEW.merged_id OR n.person_id IN (SELECT records_of(NEW.canonical_id))));
BEGIN
    IF everybody <> '{}' AND NOT EXISTS (
        SELECT FROM unnest(everybody) one WHERE NOT EXISTS (
            SELECT FROM named_access n WHERE n.ended_at IS NULL AND (n.person_id = NEW.merged_id OR n.person_id IN (SELECT records_of(NEW.canonical_id)))
                                         AND one <> ALL (n.subjects))) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM020', MESSAGE = 'the records cannot be merged', DETAIL = 'lists-exclude-each-other';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER named_lists_agree BEFORE INSERT ON people_merges FOR EACH ROW EXECUTE FUNCTION named_lists_agree(); -- after merge_allowed, which locks both

-- One service at most sees a person as the one responsible for an episode; what merged records share of that is no other one.
DROP INDEX person_access_one_responsible;
CREATE UNIQUE INDEX person_access_one_responsible ON person_access (source_id) WHERE why = 'Episode' AND until IS NULL AND shared_from IS NULL;

-- A service that supports the person in one record supports them in all.
CREATE OR REPLACE FUNCTION service_supports_person(p_person uuid, p_service uuid) RETURNS boolean LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM episodes e WHERE e.person_id IN (SELECT records_of(p_person)) AND e.responsible_service_id = p_service AND e.state = 'Open')
    OR EXISTS (SELECT FROM referrals r WHERE r.person_id IN (SELECT records_of(p_person)) AND p_service IN (r.service_id, r.responsible_service_id) AND r.outcome_at IS NULL);

-- One of the caller's services is responsible for the person, in whichever of their records.
CREATE OR REPLACE FUNCTION caller_responsible(p_person uuid) RETURNS boolean LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM episodes e WHERE e.person_id IN (SELECT records_of(p_person)) AND e.state = 'Open' AND e.responsible_service_id = ANY (caller_services()))
    OR EXISTS (SELECT FROM referrals r WHERE r.person_id IN (SELECT records_of(p_person)) AND r.outcome_at IS NULL AND r.responsible_service_id = ANY (caller_services()));

-- Where a person is, is hidden in all of their records when it is in one.
CREATE OR REPLACE FUNCTION caller_sees_location(p_person uuid) RETURNS boolean LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM people p WHERE p.id = p_person)
   AND (NOT EXISTS (SELECT FROM people p WHERE p.id IN (SELECT records_of(p_person)) AND p.location_sensitive) OR caller_responsible(p_person));

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION referral_respects_objection() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.route NOT IN ('Self', 'Crisis') AND caller_sees(NEW.person_id)
       AND EXISTS (SELECT FROM objections o JOIN services s ON s.lead_provider_ods_code = o.organisation_ods_code
                   WHERE o.person_id IN (SELECT records_of(NEW.person_id)) AND o.withdrawn_at IS NULL AND s.id = NEW.service_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM010', MESSAGE = 'the person objects to the organisation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- Who is sent on stays in the record of the first referral, so that the two fit together.
DROP TRIGGER canonical_person ON referrals;
CREATE TRIGGER canonical_person BEFORE INSERT ON referrals FOR EACH ROW WHEN (NEW.redirected_from IS NULL) EXECUTE FUNCTION canonical_person();

-- ── Capacity ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- What was assessed last about a kind of decision. Capacity is assumed where nothing was assessed.
CREATE FUNCTION lacks_capacity(p_person uuid, p_about text) RETURNS boolean LANGUAGE sql STABLE
RETURN coalesce((SELECT a.outcome = 'LacksCapacity' FROM capacity_assessments a
                 WHERE a.person_id IN (SELECT records_of(p_person)) AND a.about = p_about AND a.entered_in_error_at IS NULL
                 ORDER BY a.assessed_on DESC, a.recorded_at DESC, a.id DESC LIMIT 1), false);
GRANT EXECUTE ON FUNCTION lacks_capacity TO cmhf_app;

-- +goose StatementBegin
-- The same, for a choice that is being recorded: an assessment that is being recorded too waits for it, or it for the assessment.
CREATE FUNCTION choice_is_bound(p_person uuid, p_about text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM people WHERE id IN (SELECT records_of(p_person)) ORDER BY id FOR SHARE;
    RETURN lacks_capacity(p_person, p_about);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION closure_by_choice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF choice_is_bound((SELECT person_id FROM episodes WHERE id = NEW.episode_id), 'Closure') THEN
        RAISE EXCEPTION USING ERRCODE = 'CM004', MESSAGE = 'the closure lacks something that rule 4 asks for', DETAIL = 'capacity';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER closure_by_choice BEFORE INSERT ON closures FOR EACH ROW WHEN (NEW.basis = 'Choice') EXECUTE FUNCTION closure_by_choice(); -- after closure_allowed

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION plan_lacks(p plans) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN NOT EXISTS (SELECT FROM plan_goals g WHERE g.plan_id = p.id AND g.own_words) THEN 'goal'
        WHEN p.review_on IS NULL OR p.review_on < (now() AT TIME ZONE 'Europe/London')::date THEN 'review-date'
        WHEN p.agreement IS NULL OR p.in_force_from IS NULL OR p.in_force_from > (now() AT TIME ZONE 'Europe/London')::date
             OR p.in_force_from < episode_begins(p.episode_id) THEN 'agreement'
        WHEN p.capacity = 'HasCapacity' AND lacks_capacity(p.person_id, 'CarePlan') THEN 'capacity' END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- As before; the other referral of a duplicate, duties and support count in whichever record of the person they stand, and a choice needs capacity.
CREATE OR REPLACE FUNCTION outcome_allowed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    referral referrals;
    missing text;
BEGIN
    NEW.decided_on := (now() AT TIME ZONE 'Europe/London')::date; -- not the writer's to choose
    SELECT * INTO STRICT referral FROM referrals WHERE id = NEW.referral_id FOR UPDATE;
    IF referral.state <> 'Open' THEN
        RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'the referral has its outcome already';
    END IF;
    missing := CASE NEW.kind
        -- Who takes a referral back is who made it: a service that sends a person on, or a referrer outside. What a person asked for
        -- themself is theirs alone to give up, and who receives someone may not send them back so.
        WHEN 'Withdrawn' THEN CASE
            WHEN referral.responsible_service_id <> referral.service_id OR referral.redirected_from IS NOT NULL THEN
                CASE WHEN coalesce(referral.responsible_service_id = ANY (caller_services()), false) THEN NULL ELSE 'withdrawal' END
            WHEN referral.route IN ('Self', 'Online', 'WalkIn') THEN 'choice' END
        -- The other referral must be one that goes on.
        WHEN 'Duplicate' THEN CASE WHEN NOT EXISTS (
            SELECT FROM referrals other LEFT JOIN episodes e ON e.id = other.episode_id
            WHERE other.id = NEW.duplicate_of AND other.person_id IN (SELECT records_of(referral.person_id)) AND other.id IS DISTINCT FROM referral.redirected_from
              AND (other.state = 'Open' OR (other.state = 'Accepted' AND e.state = 'Open')) FOR SHARE OF other) THEN 'duplicate' END
        -- Where there is a legal duty and nobody supports the person, choice alone does not suffice (rule 4), nor where capacity is lacking.
        WHEN 'PersonChose' THEN CASE
            WHEN EXISTS (SELECT FROM legal_duties d WHERE d.person_id IN (SELECT records_of(referral.person_id)) AND d.ended_at IS NULL)
                 AND NOT EXISTS (SELECT FROM episodes e WHERE e.person_id IN (SELECT records_of(referral.person_id)) AND e.state = 'Open') THEN 'acceptance'
            WHEN choice_is_bound(referral.person_id, 'Closure') THEN 'capacity' END
    END;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CM030', MESSAGE = 'the outcome lacks something that rule 2 asks for', DETAIL = missing;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- ── The first contact ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Referrals that wait for one first contact: those accepted into one episode, and those on which the person was sent on.
CREATE FUNCTION referrals_together(p_referral uuid, p_episode uuid) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 2 SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE together AS (
        SELECT r.id, r.redirected_from FROM referrals r
        WHERE r.id = p_referral OR r.episode_id = coalesce(p_episode, (SELECT own.episode_id FROM referrals own WHERE own.id = p_referral))
        UNION SELECT r.id, r.redirected_from FROM together t JOIN referrals r ON r.id = t.redirected_from)
    SELECT t.id FROM together t;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Whether somebody was met on a referral, or in its episode, since it was received.
CREATE FUNCTION first_contact_made(p_referral uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM referrals r JOIN contacts c ON c.person_id = r.person_id
        WHERE r.id = p_referral AND c.attendance = 'Attended' AND c.held_with <> 'Professional' AND c.entered_in_error_at IS NULL
          AND (c.happened_at AT TIME ZONE 'Europe/London')::date >= r.received_on
          AND (c.episode_id = r.episode_id OR c.referral_id = r.id
               OR (c.referral_id IS NOT NULL AND r.id IN (SELECT referrals_together(c.referral_id, NULL)))));
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Whoever is met waits no longer: neither for the first contact, nor, when it is the person, to arrive after a handover.
CREATE FUNCTION contact_ends_waits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    today date := (now() AT TIME ZONE 'Europe/London')::date;
    happened_on date := least((NEW.happened_at AT TIME ZONE 'Europe/London')::date, today); -- clocks differ
BEGIN
    IF EXISTS (SELECT FROM deadlines WHERE person_id = NEW.person_id AND kind = 'FirstContact' AND met_at IS NULL AND dropped_at IS NULL) THEN
        PERFORM meet_deadline(r.id, 'FirstContact') FROM referrals_together(NEW.referral_id, NEW.episode_id) t (id) JOIN referrals r ON r.id = t.id
        WHERE r.received_on <= happened_on;
    END IF;
    IF NEW.held_with = 'Person' THEN
        PERFORM handover_arrived(NEW.person_id, NEW.service_id, happened_on);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER contact_ends_waits AFTER INSERT ON contacts FOR EACH ROW
    WHEN (NEW.attendance = 'Attended' AND NEW.held_with <> 'Professional') EXECUTE FUNCTION contact_ends_waits();

-- +goose StatementBegin
-- A contact that never was ended no wait. An arrival stays: a handover's course is not written anew.
CREATE FUNCTION mistaken_contact_ends_no_wait() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE deadlines d SET met_at = NULL
    FROM referrals r LEFT JOIN episodes e ON e.id = r.episode_id
    WHERE r.id IN (SELECT referrals_together(NEW.referral_id, NEW.episode_id)) AND (r.state = 'Open' OR e.state = 'Open')
      AND d.subject_id = r.id AND d.kind = 'FirstContact' AND d.met_at IS NOT NULL AND NOT first_contact_made(r.id);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER mistaken_contact_ends_no_wait AFTER UPDATE ON contacts FOR EACH ROW
    WHEN (OLD.entered_in_error_at IS NULL AND NEW.entered_in_error_at IS NOT NULL AND NEW.attendance = 'Attended' AND NEW.held_with <> 'Professional')
    EXECUTE FUNCTION mistaken_contact_ends_no_wait();

-- +goose StatementBegin
-- Who was met before the acceptance does not wait for a first contact after it.
CREATE FUNCTION met_before_acceptance() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF first_contact_made(NEW.id) THEN
        PERFORM meet_deadline(NEW.id, 'FirstContact');
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER referral_met_before AFTER UPDATE OF state ON referrals FOR EACH ROW
    WHEN (OLD.state = 'Open' AND NEW.state = 'Accepted') EXECUTE FUNCTION met_before_acceptance(); -- after referral_ended, which says what is due
