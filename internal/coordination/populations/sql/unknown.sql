SELECT coalesce(min(i), 0) FROM unnest(@kinds::text[], @names::text[]) WITH ORDINALITY AS u (kind, name, i)
WHERE NOT CASE u.kind
    WHEN 'ICS' THEN u.name = (SELECT ods_code FROM schema_info)
    WHEN 'Place' THEN EXISTS (SELECT FROM neighbourhoods n WHERE n.place = u.name UNION ALL SELECT FROM services s WHERE s.place = u.name)
    ELSE EXISTS (SELECT FROM neighbourhoods n WHERE n.name = u.name) END
