DELETE FROM listing WHERE id NOT IN (SELECT listing FROM lookup WHERE listing IS NOT NULL);
