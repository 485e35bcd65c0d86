-- Open services other than the named one, when the age is outside of its ages: those for the age first, and of them those that do the
-- same, then the near ones; without any, the default receiving service.
SELECT other.id, other.name, other.state
FROM services named
CROSS JOIN directory_commit c
JOIN services other ON other.id NOT IN (named.id, @sender) AND other.state = 'Open'
CROSS JOIN LATERAL (SELECT @age::integer BETWEEN coalesce(other.minimum_age, 0) AND coalesce(other.maximum_age, 1000) AS fits,
                           other.name IS NOT DISTINCT FROM c.default_service AS is_default) a
WHERE named.id = @named
  AND NOT @age::integer BETWEEN coalesce(named.minimum_age, 0) AND coalesce(named.maximum_age, 1000)
  AND (a.fits OR a.is_default)
ORDER BY a.fits DESC, other.functions && named.functions DESC, other.neighbourhoods && named.neighbourhoods DESC,
         other.place = named.place DESC, a.is_default DESC, other.name
LIMIT 1
