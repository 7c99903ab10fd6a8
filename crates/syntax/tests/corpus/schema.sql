-- A shop, for the sake of the syntax.
CREATE TABLE customer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name varchar(200) NOT NULL CHECK (length(name) > 0),
    created timestamp with time zone DEFAULT now(),
    UNIQUE (name, created)
);
CREATE TABLE "order" (
    id uuid PRIMARY KEY,
    customer bigint NOT NULL REFERENCES customer (id) ON DELETE CASCADE,
    total numeric(12, 2) DEFAULT 0.00,
    state text CHECK (state IN ('open', 'paid', 'it''s'))
);
CREATE INDEX order_customer ON "order" (customer, state);
CREATE VIEW open_orders AS
SELECT o.id, c.name, sum(o.total) AS total
FROM "order" AS o
JOIN customer c ON c.id = o.customer
WHERE o.state = 'open' AND (o.total BETWEEN 1 AND 10 OR c.name LIKE 'a%')
GROUP BY o.id, c.name
HAVING count(*) > 1
ORDER BY c.name DESC
LIMIT 10;
ALTER TABLE "order" ADD CONSTRAINT positive CHECK (total >= 0);
COMMENT ON TABLE customer IS 'who buys';
INSERT INTO customer (name) VALUES ('a'), ('b');
UPDATE customer SET name = upper(name) WHERE id IN (SELECT customer FROM "order");
WITH late AS (SELECT id FROM "order" WHERE total > 5) DELETE FROM "order" USING late WHERE "order".id = late.id;
SELECT CASE WHEN total > 1 THEN 'many' ELSE 'few' END, CAST(total AS integer) FROM "order" WHERE state IS NOT NULL;
