-- Tables of nfacctd in PostgreSQL: createdb flowagent && psql -d flowagent -f postgresql.sql
-- ip_proto is a number: nfacctd writes it as one, and with TEXT every row fails.

-- Five minutes of an agent between two AS: small, kept for 400 days.
CREATE TABLE IF NOT EXISTS as_traffic (
  stamp_inserted TIMESTAMP NOT NULL,
  stamp_updated TIMESTAMP,
  peer_ip_src INET NOT NULL,
  as_src BIGINT NOT NULL,
  as_dst BIGINT NOT NULL,
  packets BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  flows BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS as_traffic_time ON as_traffic (stamp_inserted);

-- A minute of each flow: large, kept for seven days.
CREATE TABLE IF NOT EXISTS flows (
  stamp_inserted TIMESTAMP NOT NULL,
  stamp_updated TIMESTAMP,
  as_src BIGINT NOT NULL,
  as_dst BIGINT NOT NULL,
  ip_src INET NOT NULL,
  ip_dst INET NOT NULL,
  port_src INT NOT NULL,
  port_dst INT NOT NULL,
  ip_proto SMALLINT NOT NULL,
  packets BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  flows BIGINT NOT NULL DEFAULT 0
);
-- Rows come in the order of time: a few pages say which blocks hold which hours.
CREATE INDEX IF NOT EXISTS flows_time ON flows USING brin (stamp_inserted);

-- Retention: psql -d flowagent -c 'CALL expire()', by cron each night.
CREATE OR REPLACE PROCEDURE expire() LANGUAGE SQL AS $$
  DELETE FROM flows WHERE stamp_inserted < now() - INTERVAL '7 days';
  DELETE FROM as_traffic WHERE stamp_inserted < now() - INTERVAL '400 days';
$$;

DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'nfacctd') THEN
    CREATE ROLE nfacctd LOGIN PASSWORD 'change-me';
    CREATE ROLE grafana LOGIN PASSWORD 'change-me';
  END IF;
END $$;
GRANT INSERT, SELECT ON as_traffic, flows TO nfacctd;
GRANT SELECT ON as_traffic TO grafana;
