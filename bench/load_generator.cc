// SPDX-License-Identifier: Apache-2.0
// Builds bodies of remote write before a measurement, and sends them in it. `load_generator
// --help`.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "capture.h"
#include "clones.h"
#include "explosion.h"
#include "fleet.h"
#include "replay.h"

namespace {

using hearth::bench::ClonePlan;
using hearth::bench::ExplosionPlan;
using hearth::bench::FleetPlan;
using hearth::bench::ReplayPlan;
using hearth::bench::ReplayResult;

template <typename Plan>
void AddTimes(CLI::App* command, Plan* plan) {
  command->add_option("--out", plan->out, "the file to write")->required();
  command->add_option("--series", plan->series, "how many series");
  command->add_option("--start-ms", plan->start_ms, "time of step 0");
  command->add_option("--step-ms", plan->step_ms, "between samples of a series");
  command->add_option("--first-step", plan->first_step, "where to begin");
  command->add_option("--steps", plan->steps, "samples of each series");
  command->add_option("--samples-per-series", plan->samples_per_series, "in one body");
  command->add_option("--samples-per-body", plan->samples_per_body, "about");
}

int BuildClones(const std::string& capture_path, const ClonePlan& plan) {
  const auto capture = hearth::bench::ReadCapture(capture_path);
  if (!capture) {
    fmt::print(stderr, "{}: cannot be read, or is no capture of scrapes\n", capture_path);
    return 1;
  }
  if (WriteClones(*capture, plan)) return 0;
  std::perror(plan.out.c_str());
  return 1;
}

int BuildFleet(const FleetPlan& plan) {
  if (WriteFleet(plan)) return 0;
  std::perror(plan.out.c_str());
  return 1;
}

int BuildExplosion(const ExplosionPlan& plan) {
  if (WriteExplosion(plan)) return 0;
  std::perror(plan.out.c_str());
  return 1;
}

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += fmt::format("\\{}", c);
    } else {
      out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out + '"';
}

int Send(const ReplayPlan& plan) {
  std::string error;
  const auto result = Replay(plan, &error);
  if (!result) {
    fmt::print(stderr, "{}\n", error);
    return 1;
  }
  const auto& sorted = result->latencies_ms;
  const auto quantile = [&](double q) {
    return sorted.empty() ? 0
                          : sorted[static_cast<size_t>(q * static_cast<double>(sorted.size() - 1))];
  };
  fmt::print(
      "{{\"bodies\":{},\"samples\":{},\"refused_samples\":{},\"seconds\":{:.6f},"
      "\"p50_ms\":{:.3f},\"p99_ms\":{:.3f},\"max_ms\":{:.3f},\"none\":{},\"ok\":{},"
      "\"bad\":{},\"unavailable\":{},\"first_refusal\":{}}}\n",
      result->bodies, result->samples, result->refused_samples, result->seconds, quantile(0.5),
      quantile(0.99), quantile(1), result->by_class[0], result->by_class[2], result->by_class[4],
      result->by_class[5], Quoted(result->first_refusal));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Builds bodies of remote write, and sends them.");
  app.require_subcommand(1);

  FleetPlan fleet;
  CLI::App* build_fleet = app.add_subcommand("fleet", "an invented fleet, for the dashboards");
  AddTimes(build_fleet, &fleet);

  std::string capture;
  std::string shape = "node";
  ClonePlan clones;
  CLI::App* build_clones = app.add_subcommand("clones", "instances cloned from real scrapes");
  AddTimes(build_clones, &clones);
  build_clones->add_option("--capture", capture, "text of scrapes, unpacked")->required();
  build_clones->add_option("--shape", shape)->check(CLI::IsMember({"node", "kube"}));
  build_clones->add_option("--protocol", clones.protocol)->check(CLI::IsMember({1, 2}));
  build_clones->add_option("--first-series", clones.first_series, "of the endless fleet");
  build_clones->add_flag("--real-times", clones.real_times, "milliseconds as they were");
  build_clones->add_option("--churn-steps", clones.churn_steps,
                           "a tenth of the pods is replaced every so many steps");

  ExplosionPlan explosion;
  CLI::App* build_explosion = app.add_subcommand("explosion", "series that never come again");
  build_explosion->add_option("--out", explosion.out, "the file to write")->required();
  build_explosion->add_option("--series", explosion.series, "how many, one sample each");
  build_explosion->add_option("--first-series", explosion.first_series, "where to begin");
  build_explosion->add_option("--time-ms", explosion.time_ms, "of every sample");

  ReplayPlan replay;
  CLI::App* send = app.add_subcommand("replay", "sends a file; prints what came of it as JSON");
  send->add_option("--file", replay.file)->required();
  send->add_option("--host", replay.host, "an IPv4 address");
  send->add_option("--port", replay.port)->required();
  send->add_option("--path", replay.path);
  send->add_option("--protocol", replay.protocol)->check(CLI::IsMember({1, 2}));
  send->add_option("--header", replay.headers, "one more, \"Name: value\"");
  send->add_option("--connections", replay.connections)->check(CLI::Range(1, 1000));
  send->add_option("--rate", replay.samples_per_second,
                   "samples a second; 0: as they are answered");
  send->add_option("--skip", replay.skip, "bodies at the beginning");
  send->add_option("--bodies", replay.bodies, "at most so many; 0: all");

  CLI11_PARSE(app, argc, argv);
  clones.kube = shape == "kube";
  if (build_fleet->parsed()) return BuildFleet(fleet);
  if (build_clones->parsed()) return BuildClones(capture, clones);
  if (build_explosion->parsed()) return BuildExplosion(explosion);
  return Send(replay);
}
