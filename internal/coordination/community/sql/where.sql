SELECT EXISTS (SELECT FROM neighbourhoods WHERE place = @place) OR EXISTS (SELECT FROM services WHERE place = @place) AS place,
       EXISTS (SELECT FROM neighbourhoods WHERE place = @place AND name = @neighbourhood) AS neighbourhood
