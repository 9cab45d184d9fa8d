-- Tables of nfacctd in MariaDB: mariadb < mariadb.sql. pmacct's own schema fails in today's strict mode.
-- Times are those of the server's time zone: default-time-zone = '+00:00' keeps them clear of summer time.
CREATE DATABASE IF NOT EXISTS flowagent CHARACTER SET ascii;
USE flowagent;

-- Five minutes of an agent between two AS: small, kept for 400 days.
CREATE TABLE IF NOT EXISTS as_traffic (
  stamp_inserted DATETIME NOT NULL,
  stamp_updated DATETIME NULL,
  peer_ip_src VARCHAR(45) NOT NULL,
  as_src INT UNSIGNED NOT NULL,
  as_dst INT UNSIGNED NOT NULL,
  packets BIGINT UNSIGNED NOT NULL,
  bytes BIGINT UNSIGNED NOT NULL,
  flows BIGINT UNSIGNED NOT NULL DEFAULT 0,
  KEY (stamp_inserted)
);

-- A minute of each flow: large, a ring of seven days: today, tomorrow that is empty, and five days before. A day leaves at once, where DELETE would read it row by row.
CREATE TABLE IF NOT EXISTS flows (
  stamp_inserted DATETIME NOT NULL,
  stamp_updated DATETIME NULL,
  as_src INT UNSIGNED NOT NULL,
  as_dst INT UNSIGNED NOT NULL,
  ip_src VARCHAR(45) NOT NULL,
  ip_dst VARCHAR(45) NOT NULL,
  port_src SMALLINT UNSIGNED NOT NULL,
  port_dst SMALLINT UNSIGNED NOT NULL,
  ip_proto VARCHAR(20) NOT NULL,
  packets BIGINT UNSIGNED NOT NULL,
  bytes BIGINT UNSIGNED NOT NULL,
  flows BIGINT UNSIGNED NOT NULL DEFAULT 0,
  KEY (stamp_inserted)
) PARTITION BY LIST (WEEKDAY(stamp_inserted)) (
  PARTITION d0 VALUES IN (0), PARTITION d1 VALUES IN (1), PARTITION d2 VALUES IN (2), PARTITION d3 VALUES IN (3),
  PARTITION d4 VALUES IN (4), PARTITION d5 VALUES IN (5), PARTITION d6 VALUES IN (6)
);

-- Retention. Each night the ring makes room for tomorrow, which takes the place of the day six days ago.
DELIMITER //
CREATE OR REPLACE PROCEDURE expire()
BEGIN
  EXECUTE IMMEDIATE CONCAT('ALTER TABLE flows TRUNCATE PARTITION d', WEEKDAY(CURRENT_DATE + INTERVAL 1 DAY));
  DELETE FROM as_traffic WHERE stamp_inserted < NOW() - INTERVAL 400 DAY;
END //
DELIMITER ;
CREATE OR REPLACE EVENT expire ON SCHEDULE EVERY 1 DAY STARTS CURRENT_DATE + INTERVAL 1 DAY + INTERVAL 3 HOUR DO CALL expire();
-- Only until the next start of the server: event_scheduler = ON in its configuration keeps it.
SET GLOBAL event_scheduler = ON;

CREATE USER IF NOT EXISTS 'nfacctd'@'localhost' IDENTIFIED BY 'change-me';
GRANT INSERT, LOCK TABLES, SELECT ON flowagent.* TO 'nfacctd'@'localhost';
CREATE USER IF NOT EXISTS 'grafana'@'localhost' IDENTIFIED BY 'change-me';
GRANT SELECT ON flowagent.as_traffic TO 'grafana'@'localhost';
