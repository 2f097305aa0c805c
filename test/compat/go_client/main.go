// SPDX-License-Identifier: Apache-2.0

// Program go_client exposes metrics of every kind with the real client library, for tests that
// scrape it. It prints its address and serves until its standard input ends. Values never change.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func register(registry *prometheus.Registry) {
	counter := prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: "go_requests_total", Help: "Requests, by \"code\"."},
		[]string{"code"})
	counter.WithLabelValues("200").(prometheus.ExemplarAdder).AddWithExemplar(
		12.5, prometheus.Labels{"trace_id": "counter"})
	counter.WithLabelValues("500").Add(3)
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "go_temperature_celsius", Help: "Cold."})
	gauge.Set(-1.25)
	summary := prometheus.NewSummary(prometheus.SummaryOpts{
		Name: "go_summary_seconds", Help: "A summary.", MaxAge: 24 * time.Hour,
		Objectives: map[float64]float64{0.5: 0, 1: 0}})
	classic := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "go_classic_seconds", Help: "Classic buckets alone.", Buckets: []float64{0.1, 1, 10}},
		[]string{"path"})
	both := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "go_both_seconds", Help: "Classic and native.", Buckets: []float64{0.1, 1, 10},
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxExemplars: 4})
	native := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "go_native", Help: "Native alone, both sides of zero.",
		NativeHistogramBucketFactor: 1.5, NativeHistogramZeroThreshold: 0.01},
		[]string{"side"})
	empty := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "go_native_empty", Help: "Nothing seen yet.", NativeHistogramBucketFactor: 2})
	registry.MustRegister(counter, gauge, summary, classic, both, native, empty)
	for i := 1; i <= 40; i++ {
		value := float64(i*i) / 50
		exemplar := prometheus.Labels{"trace_id": fmt.Sprintf("t%d", i)}
		summary.Observe(value)
		classic.WithLabelValues("/a").(prometheus.ExemplarObserver).ObserveWithExemplar(value, exemplar)
		both.(prometheus.ExemplarObserver).ObserveWithExemplar(value, exemplar)
		native.WithLabelValues("positive").Observe(value)
		native.WithLabelValues("both").Observe(value - 8)
	}
	native.WithLabelValues("both").Observe(0.001)
}

func pointer[T any](value T) *T { return &value }

// foreign holds what the library cannot make: float and gauge histograms, untyped values.
func foreign() []*dto.MetricFamily {
	floats := &dto.Histogram{
		SampleCountFloat: proto.Float64(7.75), SampleSum: proto.Float64(31.5), Schema: pointer[int32](1),
		ZeroThreshold: proto.Float64(0.5), ZeroCountFloat: proto.Float64(0.25),
		PositiveSpan: []*dto.BucketSpan{
			{Offset: pointer[int32](-1), Length: pointer[uint32](2)},
			{Offset: pointer[int32](3), Length: pointer[uint32](1)}},
		PositiveCount:    []float64{1.5, 2.5, 3.5},
		CreatedTimestamp: timestamppb.New(time.Unix(1700000000, 0)),
	}
	gauge := &dto.Histogram{
		SampleCount: proto.Uint64(6), SampleSum: proto.Float64(9), Schema: pointer[int32](0),
		ZeroThreshold: proto.Float64(0.001), ZeroCount: proto.Uint64(1),
		PositiveSpan:  []*dto.BucketSpan{{Offset: pointer[int32](0), Length: pointer[uint32](3)}},
		PositiveDelta: []int64{2, -1, 1},
	}
	label := []*dto.LabelPair{{Name: proto.String("kind"), Value: proto.String("ünïcode")}}
	return []*dto.MetricFamily{
		{Name: proto.String("go_floats"), Help: proto.String("Float counts."),
			Type:   dto.MetricType_HISTOGRAM.Enum(),
			Metric: []*dto.Metric{{Label: label, Histogram: floats}}},
		{Name: proto.String("go_gauge_histogram"), Help: proto.String("May fall."),
			Type:   dto.MetricType_GAUGE_HISTOGRAM.Enum(),
			Metric: []*dto.Metric{{Histogram: gauge}}},
		{Name: proto.String("go_untyped"), Type: dto.MetricType_UNTYPED.Enum(),
			Metric: []*dto.Metric{{Label: label, Untyped: &dto.Untyped{Value: proto.Float64(4.5)}}}},
	}
}

func main() {
	registry := prometheus.NewRegistry()
	register(registry)
	gatherer := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, err := registry.Gather()
		return append(families, foreign()...), err
	})
	http.Handle("/metrics", promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	go func() { panic(http.Serve(listener, nil)) }()
	io.Copy(io.Discard, os.Stdin)
}
