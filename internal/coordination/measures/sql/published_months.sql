SELECT DISTINCT from_on FROM publications
