package server

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// poolCollector gives the connection pool's numbers to Prometheus.
type poolCollector struct {
	pool *pgxpool.Pool
}

var (
	poolConnections = prometheus.NewDesc("cmhf_api_database_connections", "Connections of the pool by state.", []string{"state"}, nil)
	poolWaits       = prometheus.NewDesc("cmhf_api_database_waits_total", "Requests that waited for a connection.", nil, nil)
)

func (c poolCollector) Describe(out chan<- *prometheus.Desc) {
	out <- poolConnections
	out <- poolWaits
}

func (c poolCollector) Collect(out chan<- prometheus.Metric) {
	stat := c.pool.Stat()
	for state, n := range map[string]int32{"used": stat.AcquiredConns(), "idle": stat.IdleConns(), "max": stat.MaxConns()} {
		out <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, float64(n), state)
	}
	out <- prometheus.MustNewConstMetric(poolWaits, prometheus.CounterValue, float64(stat.EmptyAcquireCount()))
}
