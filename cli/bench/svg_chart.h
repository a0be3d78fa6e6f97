// Charts as SVG, written by hand: panels side by side, each with its axes and curves. Runs in: cli.
#pragma once

#include <string>
#include <vector>

namespace pairloom::cli {

struct ChartPoint {
  double x = 0, y = 0;
};
struct Curve {
  std::string label;
  std::vector<ChartPoint> points;                                    // in order of x
  enum class Look { kMeasured, kReference } look = Look::kMeasured;  // points and a line; or a dashed line alone
};
struct Panel {
  std::string title, x_label, y_label, note;  // the note stands below the title
  bool log_x = false, log_y = false;          // all values are above 0 then
  bool y_from_zero = false;
  std::vector<double> x_ticks;  // where to label the x axis; empty: chosen
  std::vector<Curve> curves;    // at least one point in all
};

// A whole SVG file, on white ground.
std::string draw_chart(const std::string& title, const std::vector<std::string>& subtitle,
                       const std::vector<Panel>& panels);

}  // namespace pairloom::cli
