-- The newest first. What was written to the canonical record since a merge was written by somebody who had both sheets before them, and
-- stands alone; until then the sheet of the merged record speaks too.
SELECT preferred_name, language, interpreter, communication_needs, communication_note, reasonable_adjustments, adjustments_note,
       ethnicity, gender, gender_as_at_birth, sexual_orientation, religion, disability, impairments, employment, accommodation, caring,
       long_term_conditions, changed_by, changed_at
FROM person_details sheet
JOIN people p ON p.id = sheet.person_id
WHERE p.id IN (SELECT records_of(@person))
  AND (p.merged_at > (SELECT own.changed_at FROM person_details own WHERE own.person_id = p.merged_into)) IS NOT FALSE
ORDER BY changed_at DESC, p.id
