-- +goose Up

-- What people and carers say about a service: answers from 1 (not at all) to 5 (fully), and words of their own. Nothing here leads to a
-- person. A reply never changes and is never deleted by the app.
CREATE TABLE feedback (
    id                     uuid PRIMARY KEY,
    service_id             uuid NOT NULL REFERENCES services,
    from_whom              text NOT NULL CHECK (from_whom IN ('Person', 'Carer')),
    given_on               date NOT NULL,
    overall                smallint NOT NULL CHECK (overall BETWEEN 1 AND 5),
    listened_to            smallint CHECK (listened_to BETWEEN 1 AND 5),
    involved_in_decisions  smallint CHECK (involved_in_decisions BETWEEN 1 AND 5),
    help_with_what_matters smallint CHECK (help_with_what_matters BETWEEN 1 AND 5),
    knows_whom_to_contact  smallint CHECK (knows_whom_to_contact BETWEEN 1 AND 5),
    respected              smallint CHECK (respected BETWEEN 1 AND 5),
    comment                text CHECK (length(btrim(comment)) BETWEEN 1 AND 4000),
    recorded_by            text NOT NULL,
    recorded_at            timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT not_in_the_future CHECK (given_on <= (recorded_at AT TIME ZONE 'Europe/London')::date)
);
CREATE INDEX feedback_list ON feedback (service_id, recorded_at DESC, id DESC);

-- Whose reply it is, where the person wanted it to carry their name; id is the reply's. For a carer's, whom they care for. Only this is part
-- of the person's record: a reply without a row here is nobody's.
CREATE TABLE feedback_authors (
    id        uuid PRIMARY KEY REFERENCES feedback,
    person_id uuid NOT NULL REFERENCES people
);
CREATE INDEX feedback_authors_person ON feedback_authors (person_id);
INSERT INTO record_tables VALUES ('feedback_authors');

-- +goose StatementBegin
-- A name is given with the reply or never: otherwise anybody could put one to what was said without.
CREATE FUNCTION named_with_the_reply() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM feedback f WHERE f.id = NEW.id AND f.recorded_at = now() AND f.recorded_by = caller_subject()) THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'a reply is named when it is given';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER named_with_the_reply BEFORE INSERT ON feedback_authors FOR EACH ROW EXECUTE FUNCTION named_with_the_reply();

ALTER TABLE feedback         ENABLE ROW LEVEL SECURITY;
ALTER TABLE feedback_authors ENABLE ROW LEVEL SECURITY;
-- The answers are the service's. Who said it and in which words, no query of the app reads: that is feedback_of_service's, for leads.
CREATE POLICY own ON feedback FOR SELECT TO cmhf_app USING (service_id = ANY ((SELECT caller_services())::uuid[]));
-- Anyone may pass on what was said about any service; a name only of somebody whom they see.
CREATE POLICY record ON feedback FOR INSERT TO cmhf_app WITH CHECK (recorded_by = caller_subject());
CREATE POLICY record ON feedback_authors FOR INSERT TO cmhf_app WITH CHECK (EXISTS (SELECT FROM people p WHERE p.id = feedback_authors.person_id));
GRANT SELECT (id, service_id, from_whom, given_on, overall, listened_to, involved_in_decisions, help_with_what_matters, knows_whom_to_contact, respected, recorded_at),
      INSERT (id, service_id, from_whom, given_on, overall, listened_to, involved_in_decisions, help_with_what_matters,
              knows_whom_to_contact, respected, comment, recorded_by) ON feedback TO cmhf_app;
GRANT INSERT (id, person_id) ON feedback_authors TO cmhf_app;

-- Whole replies of the caller's services. The API lets service leads call it and nobody else.
CREATE FUNCTION feedback_of_services(p_services uuid[], p_at timestamptz, p_after uuid, p_limit integer)
RETURNS TABLE (reply feedback, person_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT f, a.person_id FROM feedback f LEFT JOIN feedback_authors a ON a.id = f.id
    WHERE f.service_id = ANY (p_services) AND f.service_id = ANY (caller_services()) AND (f.recorded_at, f.id) < (p_at, p_after)
    ORDER BY f.recorded_at DESC, f.id DESC LIMIT p_limit
$$;
GRANT EXECUTE ON FUNCTION feedback_of_services TO cmhf_app;
