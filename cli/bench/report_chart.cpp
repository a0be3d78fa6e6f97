#include <fmt/format.h>
#include <cmath>

#include "cli/bench/report.h"
#include "cli/bench/svg_chart.h"

namespace pairloom::cli {
namespace {

constexpr double kMs = 1e3;

Panel growth_panel(const BenchContext& context, const BenchReport& report) {
  Panel panel{"Cost of a picture", "pixels", "ms a picture", "", true, true, false, {}, {}};
  Curve serial{"1 worker", {}, Curve::Look::kMeasured};
  Curve parallel{fmt::format("{} workers", context.most_workers), {}, Curve::Look::kMeasured};
  for (const SizeResult& size : report.sizes) {
    serial.points.push_back({size.pictures.pixels, kMs * size.serial.per_file()});
    parallel.points.push_back({size.pictures.pixels, kMs * size.parallel.per_file()});
  }
  panel.curves = {serial, parallel};
  if (report.growth) {
    const PowerLaw& law = *report.growth;
    Curve fit{fmt::format("pixels^{:.2f}", law.exponent), {}, Curve::Look::kReference};
    for (const ChartPoint& p : {serial.points.front(), serial.points.back()})
      fit.points.push_back({p.x, kMs * law.at(p.x)});
    panel.curves.push_back(fit);
    panel.note = fmt::format("grows as pixels^{:.2f}: {}", law.exponent, complexity_of(law));
  }
  return panel;
}

Panel worker_panel(const BenchReport& report) {
  Panel panel{"Speed-up", "workers", "times as fast as one worker", "", false, false, true, {}, {}};
  Curve measured{"measured", {}, Curve::Look::kMeasured},
      ideal{"as many times as workers", {}, Curve::Look::kReference};
  for (const Measured& m : report.workers) {
    measured.points.push_back({static_cast<double>(m.workers), speed_up(report.workers.front(), m)});
    ideal.points.push_back({static_cast<double>(m.workers), static_cast<double>(m.workers)});
    panel.x_ticks.push_back(m.workers);
  }
  while (panel.x_ticks.size() > 12)  // every second
    for (size_t i = 1; i < panel.x_ticks.size(); ++i)
      panel.x_ticks.erase(panel.x_ticks.begin() + static_cast<ptrdiff_t>(i));
  panel.curves = {measured, ideal};
  panel.note = fmt::format("pictures of {}, {} files", report.worker_pictures.label, report.workers.front().files);
  return panel;
}

Panel chunk_panel(const BenchContext& context, const BenchReport& report) {
  const bool bands = context.kind->piece == "rows";
  Panel panel{bands ? "Rows in a band" : "Files in a chunk",
              bands ? "rows" : "files",
              "ms a picture",
              "",
              true,
              false,
              true,
              {},
              {}};
  Curve fixed{"fixed", {}, Curve::Look::kMeasured}, chosen{"as the program chooses", {}, Curve::Look::kReference};
  double own = 0;
  for (const Measured& m : report.chunks) {
    if (m.chunk == 0)
      own = kMs * m.per_file();
    else
      fixed.points.push_back({static_cast<double>(m.chunk), kMs * m.per_file()});
  }
  if (fixed.points.empty()) fixed.points.push_back({1, own});
  for (const ChartPoint& p : fixed.points) {
    chosen.points.push_back({p.x, own});
    panel.x_ticks.push_back(p.x);
  }
  panel.curves = {fixed, chosen};
  if (const auto optimum = chunk_optimum(report.chunks))
    panel.note = fmt::format("pictures of {}; best {}, {} to {} within 5 %", report.chunk_pictures.label, optimum->best,
                             optimum->flat_from, optimum->flat_to);
  return panel;
}

}  // namespace

std::string svg_report(const BenchContext& context, const BenchReport& report) {
  const auto& machine = context.machine;
  return draw_chart(
      fmt::format("pairloom bench: {}", context.kind->name),
      {fmt::format("{} ({} pictures); median of {} rounds; parallel answers {} the serial ones", context.kind->about,
                   context.pictures, context.rounds, report.identical() ? "are" : "DIFFER from"),
       fmt::format("{}; {} physical and {} logical cores", machine.processor, machine.physical_cores,
                   machine.logical_cores)},
      {growth_panel(context, report), worker_panel(report), chunk_panel(context, report)});
}

}  // namespace pairloom::cli
