INSERT INTO patch (digest, text) VALUES (?1, ?2);
