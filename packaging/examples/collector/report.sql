-- The traffic of each AS: what came from it and what went to it, the largest first. MariaDB and PostgreSQL.
SELECT asn, SUM(packets_from) AS packets_from, SUM(bytes_from) AS bytes_from, SUM(packets_to) AS packets_to, SUM(bytes_to) AS bytes_to
FROM (
  SELECT as_src AS asn, packets AS packets_from, bytes AS bytes_from, 0 AS packets_to, 0 AS bytes_to FROM as_traffic
  UNION ALL
  SELECT as_dst, 0, 0, packets, bytes FROM as_traffic
) AS both_ways
GROUP BY asn
ORDER BY SUM(bytes_from) + SUM(bytes_to) DESC, asn;
