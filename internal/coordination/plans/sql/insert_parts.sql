WITH goals AS (
    INSERT INTO plan_goals (plan_id, position, goal, own_words)
    SELECT @id::uuid, n, part->>'goal', coalesce((part->>'ownWords')::boolean, false) FROM jsonb_array_elements(nullif(@goals::jsonb, 'null')) WITH ORDINALITY AS list (part, n)
), needs AS (
    INSERT INTO plan_needs (plan_id, position, domain, need)
    SELECT @id::uuid, n, part->>'domain', part->>'need' FROM jsonb_array_elements(nullif(@needs::jsonb, 'null')) WITH ORDINALITY AS list (part, n)
), actions AS (
    INSERT INTO plan_actions (plan_id, position, what, who, due_on, domain)
    SELECT @id::uuid, n, part->>'what', part->>'who', (part->>'by')::date, part->>'domain' FROM jsonb_array_elements(nullif(@actions::jsonb, 'null')) WITH ORDINALITY AS list (part, n)
)
INSERT INTO plan_links (plan_id, position, kind, held_by, reference)
SELECT @id::uuid, n, part->>'kind', part->>'heldBy', nullif(btrim(part->>'reference'), '') FROM jsonb_array_elements(nullif(@links::jsonb, 'null')) WITH ORDINALITY AS list (part, n)
