-- +goose Up

-- One row for each person of whom somebody has recorded something; what is null was not asked yet, which is not the same as NotStated.
CREATE TABLE person_details (
    person_id              uuid PRIMARY KEY REFERENCES people,
    preferred_name         text CHECK (length(btrim(preferred_name)) BETWEEN 1 AND 100),
    language               text CHECK (language ~ '^[a-z]{2,3}$'),
    interpreter            text CHECK (interpreter IN ('Needed', 'NotNeeded')),
    communication_needs    text[] NOT NULL DEFAULT '{}' CHECK (communication_needs <@ ARRAY['Audio', 'Braille', 'BritishSignLanguage', 'DeafblindManual',
                               'EasyRead', 'HearingLoop', 'LargePrint', 'Lipreading', 'Makaton', 'PlainLanguage', 'SpeechToText', 'TextOnly']),
    communication_note     text CHECK (length(btrim(communication_note)) BETWEEN 1 AND 1000),
    reasonable_adjustments text[] NOT NULL DEFAULT '{}' CHECK (reasonable_adjustments <@ ARRAY['AppointmentAtHome', 'AppointmentTime', 'AssistanceAnimal',
                               'LongerAppointment', 'OnlineAppointment', 'QuietPlace', 'Reminders', 'SameWorker', 'SensoryAdjustment', 'StepFreeAccess',
                               'SupporterPresent', 'WorkerOfChosenGender']),
    adjustments_note       text CHECK (length(btrim(adjustments_note)) BETWEEN 1 AND 1000),
    -- The national letters; Z is not stated and 99 not known.
    ethnicity              text CHECK (ethnicity IN ('A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P', 'R', 'S', 'Z', '99')),
    gender                 text CHECK (gender IN ('Female', 'Male', 'NonBinary', 'Other', 'NotStated')),
    gender_as_at_birth     text CHECK (gender_as_at_birth IN ('Yes', 'No', 'NotStated')),
    sexual_orientation     text CHECK (sexual_orientation IN ('Bisexual', 'GayOrLesbian', 'Heterosexual', 'Other', 'NotSure', 'NotStated')),
    religion               text CHECK (religion IN ('None', 'Buddhist', 'Christian', 'Hindu', 'Jewish', 'Muslim', 'Sikh', 'Other', 'NotStated')),
    disability             text CHECK (disability IN ('Disabled', 'NotDisabled', 'NotStated')),
    impairments            text[] NOT NULL DEFAULT '{}' CHECK (impairments <@ ARRAY['BehaviourOrEmotion', 'Hearing', 'LongTermIllness', 'ManualDexterity',
                               'MemoryOrLearning', 'MentalHealth', 'Mobility', 'PerceptionOfDanger', 'PersonalCare', 'Sight', 'Speech', 'Other']),
    employment             text CHECK (employment IN ('Employed', 'SelfEmployed', 'Volunteering', 'Student', 'LookingForWork', 'LongTermSick', 'Homemaker',
                               'Retired', 'Other', 'NotStated')),
    accommodation          text CHECK (accommodation IN ('OwnHome', 'SocialRent', 'PrivateRent', 'WithFamilyOrFriends', 'Supported', 'CareHome', 'Temporary',
                               'Hostel', 'SofaSurfing', 'RoughSleeping', 'Hospital', 'Prison', 'Other', 'NotStated')),
    -- Whom the person cares for without pay.
    caring                 text CHECK (caring IN ('Nobody', 'Children', 'Adults', 'ChildrenAndAdults', 'NotStated')),
    long_term_conditions   text[] NOT NULL DEFAULT '{}' CHECK (long_term_conditions <@ ARRAY['Schizophrenia', 'BipolarDisorder', 'OtherPsychosis',
                               'AsthmaOrCOPD', 'Autism', 'Cancer', 'ChronicKidneyDisease', 'ChronicPain', 'Dementia', 'Diabetes', 'Epilepsy', 'HeartDisease',
                               'Hypertension', 'LearningDisability', 'LiverDisease', 'Obesity', 'Stroke', 'Other']),
    changed_by             text NOT NULL,
    changed_at             timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT interpreter_of_a_language CHECK (interpreter IS DISTINCT FROM 'Needed' OR language IS NOT NULL),
    CONSTRAINT impairments_of_a_disability CHECK (impairments = '{}' OR coalesce(disability, '') = 'Disabled')
);

-- Apart from the details because they are hidden where the location is sensitive.
CREATE TABLE contact_details (
    person_id     uuid PRIMARY KEY REFERENCES people,
    mobile        text CHECK (mobile ~ '^\+?[0-9][0-9 ]{5,19}$'),
    landline      text CHECK (landline ~ '^\+?[0-9][0-9 ]{5,19}$'),
    email         text CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:]]+$' AND length(email) <= 254),
    preferred     text CHECK (preferred IN ('Phone', 'Text', 'Email', 'Letter', 'InPerson')),
    leave_message text CHECK (leave_message IN ('Allowed', 'NotAllowed')),
    note          text CHECK (length(btrim(note)) BETWEEN 1 AND 500),
    changed_by    text NOT NULL,
    changed_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT preferred_way_exists CHECK (CASE preferred WHEN 'Phone' THEN mobile IS NOT NULL OR landline IS NOT NULL
        WHEN 'Text' THEN mobile IS NOT NULL WHEN 'Email' THEN email IS NOT NULL ELSE true END)
);

CREATE TRIGGER part_changed AFTER INSERT OR UPDATE ON person_details  FOR EACH ROW EXECUTE FUNCTION person_part_changed();
CREATE TRIGGER part_changed AFTER INSERT OR UPDATE ON contact_details FOR EACH ROW EXECUTE FUNCTION person_part_changed();
CREATE TRIGGER keep_earlier_version AFTER UPDATE ON person_details  FOR EACH ROW EXECUTE FUNCTION keep_earlier_version();
CREATE TRIGGER keep_earlier_version AFTER UPDATE ON contact_details FOR EACH ROW EXECUTE FUNCTION keep_earlier_version();

ALTER TABLE person_details ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_details ENABLE ROW LEVEL SECURITY;

CREATE POLICY visible ON person_details FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = person_id));
CREATE POLICY record ON person_details FOR INSERT TO cmhf_app WITH CHECK (changed_by = caller_subject() AND caller_supports(person_id));
CREATE POLICY change ON person_details FOR UPDATE TO cmhf_app USING (caller_supports(person_id)) WITH CHECK (changed_by = caller_subject());

CREATE POLICY visible ON contact_details FOR SELECT TO cmhf_app USING (caller_sees_location(person_id));
CREATE POLICY record ON contact_details FOR INSERT TO cmhf_app
    WITH CHECK (changed_by = caller_subject() AND caller_supports(person_id) AND caller_sees_location(person_id));
CREATE POLICY change ON contact_details FOR UPDATE TO cmhf_app
    USING (caller_supports(person_id) AND caller_sees_location(person_id)) WITH CHECK (changed_by = caller_subject());

GRANT SELECT,
    INSERT (person_id, preferred_name, language, interpreter, communication_needs, communication_note, reasonable_adjustments, adjustments_note,
            ethnicity, gender, gender_as_at_birth, sexual_orientation, religion, disability, impairments, employment, accommodation, caring,
            long_term_conditions, changed_by),
    UPDATE (preferred_name, language, interpreter, communication_needs, communication_note, reasonable_adjustments, adjustments_note,
            ethnicity, gender, gender_as_at_birth, sexual_orientation, religion, disability, impairments, employment, accommodation, caring,
            long_term_conditions, changed_by, changed_at)
    ON person_details TO cmhf_app;
GRANT SELECT,
    INSERT (person_id, mobile, landline, email, preferred, leave_message, note, changed_by),
    UPDATE (mobile, landline, email, preferred, leave_message, note, changed_by, changed_at)
    ON contact_details TO cmhf_app;
