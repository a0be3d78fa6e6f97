#include "cli/bench/report.h"

#include <fmt/format.h>
#include <cmath>
#include <fstream>

#include "base/stage_names.h"
#include "base/version.h"
#include "cli/path_text.h"

namespace pairloom::cli {
namespace {

// "0.42 ms", "31 us", "2.1 s".
std::string duration(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.3g} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.3g} ms", seconds * 1e3);
  return fmt::format("{:.3g} s", seconds);
}

std::string spread(const Measured& m) {
  const double files = static_cast<double>(m.files);
  return fmt::format("{} ({} - {})", duration(m.per_file()), duration(m.least() / files), duration(m.most() / files));
}

double efficiency(const Measured& serial, const Measured& parallel) {
  return speed_up(serial, parallel) / parallel.workers;
}

std::string machine_line(const Machine& machine) {
  std::string line = fmt::format("{}; {} physical and {} logical cores", machine.processor, machine.physical_cores,
                                 machine.logical_cores);
  if (machine.cgroup_limit > 0) line += fmt::format(", {:g} of them allowed by the cgroup", machine.cgroup_limit);
  return line;
}

std::string identity_line(const BenchReport& report) {
  if (report.identical())
    return fmt::format("all {} answers of parallel runs are the serial ones, byte by byte", report.compared);
  return fmt::format("{} of {} answers of parallel runs DIFFER from the serial ones, of {} among others",
                     report.different.size(), report.compared, report.different.front());
}

std::string growth_line(const BenchReport& report) {
  if (!report.growth) return "one size of pictures only: how cost grows cannot be said";
  const PowerLaw& law = *report.growth;
  const std::string error =
      std::isfinite(law.exponent_error) ? fmt::format(" +- {:.2f}", law.exponent_error) : " (two sizes: a guess)";
  return fmt::format("cost grows as pixels^{:.2f}{}, R2 {:.4f}: {}", law.exponent, error, law.r_squared,
                     complexity_of(law));
}

std::string serial_share_line(const BenchReport& report) {
  if (report.workers.size() < 2) return "one worker only: how it scales cannot be said";
  const Measured &one = report.workers.front(), &all = report.workers.back();
  return fmt::format("{:.2f} times as fast with {} workers; serial part {:.1f} % (Karp-Flatt)", speed_up(one, all),
                     all.workers, 100 * serial_share(speed_up(one, all), all.workers));
}

std::string chunk_line(const BenchReport& report, std::string_view piece) {
  const auto optimum = chunk_optimum(report.chunks);
  if (!optimum) return "too few files to compare sizes of chunks";
  const std::string flat =
      optimum->flat_from == optimum->flat_to
          ? fmt::format("its neighbours are more than 5 % slower: a sharp optimum")
          : fmt::format("from {} to {} no more than 5 % slower: a flat optimum", optimum->flat_from, optimum->flat_to);
  const std::string chosen = optimum->chosen_loss > 0
                                 ? fmt::format("{:.1f} % slower than", 100 * optimum->chosen_loss)
                                 : fmt::format("{:.1f} % faster than", -100 * optimum->chosen_loss);
  return fmt::format("best: {} {}; {}; what the program chooses itself is {} that", optimum->best, piece, flat, chosen);
}

std::string stage_table(const BenchReport& report, uint32_t rounds) {
  std::string out = "\nWhere a worker's time goes, a file (serial)\n";
  out += fmt::format("  {:>14}", "pictures");
  for (const auto name : kStageNames) out += fmt::format("  {:>9}", name);
  out += fmt::format("  {:>9}\n", "the rest");
  for (const SizeResult& size : report.sizes) {
    const double files = static_cast<double>(size.serial.files) * rounds;
    double told = 0, all = 0;
    for (const double s : size.serial.seconds) all += s;
    out += fmt::format("  {:>14}", size.pictures.label);
    for (size_t i = 0; i < kStageNames.size(); ++i) {
      const double seconds = static_cast<double>(size.serial.stage_ns[i]) / 1e9;
      told += seconds;
      out += fmt::format("  {:>9}", duration(seconds / files));
    }
    out += fmt::format("  {:>9}\n", duration(std::max(0.0, all - told) / files));
  }
  return out + "  open: waiting for files to be opened; ring: handing results over; idle: waiting for work;\n"
               "  the rest: start, end, and what the supervisor does with nobody at work\n";
}

std::string growth_table(const BenchContext& context, const BenchReport& report) {
  std::string out =
      fmt::format("\nHow cost grows with the picture (median of {} rounds, least and most)\n", context.rounds);
  out += fmt::format("  {:>14}  {:>6}  {:>30}  {:>30}  {:>8}  {:>10}\n", "pictures", "files", "1 worker, a file",
                     fmt::format("{} workers, a file", context.most_workers), "speed-up", "efficiency");
  for (const SizeResult& size : report.sizes)
    out += fmt::format("  {:>14}  {:>6}  {:>30}  {:>30}  {:>8.2f}  {:>8.0f} %\n", size.pictures.label,
                       size.serial.files, spread(size.serial), spread(size.parallel),
                       speed_up(size.serial, size.parallel), 100 * efficiency(size.serial, size.parallel));
  return out + "  " + growth_line(report) + "\n";
}

std::string worker_table(const BenchReport& report) {
  std::string out =
      fmt::format("\nHow it scales ({}, {} files)\n", report.worker_pictures.label, report.workers.front().files);
  out +=
      fmt::format("  {:>7}  {:>30}  {:>9}  {:>8}  {:>10}\n", "workers", "a file", "files/s", "speed-up", "efficiency");
  for (const Measured& m : report.workers)
    out += fmt::format("  {:>7}  {:>30}  {:>9.1f}  {:>8.2f}  {:>8.0f} %\n", m.workers, spread(m), 1 / m.per_file(),
                       speed_up(report.workers.front(), m), 100 * efficiency(report.workers.front(), m));
  return out + "  " + serial_share_line(report) + "\n";
}

std::string chunk_table(const BenchContext& context, const BenchReport& report) {
  const bool bands = context.kind->piece == "rows";
  std::string out = fmt::format("\n{} ({}, {} workers, {} files)\n", bands ? "Rows in a band" : "Files in a chunk",
                                report.chunk_pictures.label, context.most_workers, report.chunks.front().files);
  for (const Measured& m : report.chunks)
    out += fmt::format("  {:>7}  {:>30}\n", m.chunk == 0 ? std::string("chosen") : std::to_string(m.chunk), spread(m));
  return out + "  " + chunk_line(report, context.kind->piece) + "\n";
}

struct Row {
  std::string_view experiment;
  const PictureSet* pictures;
  const Measured* measured;
  const Measured* serial;  // to compare with, or null
};
std::vector<Row> rows_of(const BenchReport& report) {
  std::vector<Row> rows;
  for (const SizeResult& size : report.sizes) {
    rows.push_back({"size", &size.pictures, &size.serial, &size.serial});
    rows.push_back({"size", &size.pictures, &size.parallel, &size.serial});
  }
  for (const Measured& m : report.workers)
    rows.push_back({"workers", &report.worker_pictures, &m, &report.workers.front()});
  for (const Measured& m : report.chunks) rows.push_back({"chunk", &report.chunk_pictures, &m, nullptr});
  return rows;
}

std::string csv_rows(const BenchContext& context, const BenchReport& report) {
  std::string out = csv_row({"experiment", "job", "pixels", "workers", "chunk", "files", "median_s", "least_s",
                             "most_s", "files_per_s", "speed_up", "efficiency", "identical"});
  const auto number = [](double value) { return fmt::format("{:.6g}", value); };
  for (const auto& [experiment, pictures, m, serial] : rows_of(report))
    out += csv_row({experiment, context.kind->name, number(pictures->pixels), std::to_string(m->workers),
                    m->chunk == 0 ? "" : std::to_string(m->chunk), std::to_string(m->files), number(m->median()),
                    number(m->least()), number(m->most()), number(1 / m->per_file()),
                    serial != nullptr ? number(speed_up(*serial, *m)) : "",
                    serial != nullptr ? number(efficiency(*serial, *m)) : "", report.identical() ? "1" : "0"});
  return out;
}

Json stages_json(const Measured& m) {
  Json stages = Json::object();
  for (size_t i = 0; i < kStageNames.size(); ++i)
    stages[std::string(kStageNames[i])] = static_cast<double>(m.stage_ns[i]) / 1e9;
  return stages;
}

std::string json_rows(const BenchContext& context, const BenchReport& report) {
  std::string out = json_line({{"type", "header"},
                               {"schema", "pairloom.bench/1"},
                               {"version", kVersion},
                               {"job", context.kind->name},
                               {"processor", context.machine.processor},
                               {"physical_cores", context.machine.physical_cores},
                               {"logical_cores", context.machine.logical_cores},
                               {"pictures", json_path(context.pictures)},
                               {"rounds", context.rounds}});
  for (const auto& [experiment, pictures, m, serial] : rows_of(report)) {
    Json row = {{"type", "measurement"},
                {"experiment", experiment},
                {"pixels", pictures->pixels},
                {"workers", m->workers},
                {"chunk", m->chunk == 0 ? Json(nullptr) : Json(m->chunk)},
                {"files", m->files},
                {"seconds", m->seconds}};
    if (serial != nullptr) row["speed_up"] = speed_up(*serial, *m);
    if (context.kind->has_stages) row["stage_seconds"] = stages_json(*m);
    out += json_line(row);
  }
  Json summary = {{"type", "summary"}, {"identical", report.identical()}, {"compared", report.compared}};
  if (report.growth)
    summary["growth"] = {
        {"exponent", report.growth->exponent},
        {"error", std::isfinite(report.growth->exponent_error) ? Json(report.growth->exponent_error) : Json(nullptr)},
        {"r_squared", report.growth->r_squared},
        {"complexity", complexity_of(*report.growth)}};
  if (const auto optimum = chunk_optimum(report.chunks))
    summary["chunk"] = {{"best", optimum->best},
                        {"flat_from", optimum->flat_from},
                        {"flat_to", optimum->flat_to},
                        {"chosen_loss", optimum->chosen_loss}};
  return out + json_line(summary);
}

}  // namespace

Machine describe_machine() {
  Machine machine;
  std::ifstream lines("/proc/cpuinfo");
  for (std::string line; machine.processor.empty() && std::getline(lines, line);)
    if (line.starts_with("model name") && line.find(": ") != std::string::npos)
      machine.processor = line.substr(line.find(": ") + 2);
  if (machine.processor.empty()) machine.processor = "unknown processor";
  const auto cores = daemon::usable_physical_cores();
  machine.physical_cores = cores.physical;
  machine.logical_cores = cores.logical;
  machine.cgroup_limit = cores.cgroup_limit;
  return machine;
}

std::string human_report(const BenchContext& context, const BenchReport& report) {
  std::string out = fmt::format("{}: {} ({} pictures)\n", context.kind->name, context.kind->about, context.pictures);
  out += fmt::format("{}\n", machine_line(context.machine));
  out += fmt::format("serial: one worker process; {}\n", identity_line(report));
  out += growth_table(context, report) + worker_table(report) + chunk_table(context, report);
  if (context.stages && context.kind->has_stages) out += stage_table(report, context.rounds);
  return out;
}

std::string rows_report(const BenchContext& context, const BenchReport& report, OutputFormat format) {
  return format == OutputFormat::kCsv ? csv_rows(context, report) : json_rows(context, report);
}

}  // namespace pairloom::cli
