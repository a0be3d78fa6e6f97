#include "cli/bench/svg_chart.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>

namespace pairloom::cli {
namespace {

constexpr double kPanelWidth = 420, kPanelHeight = 330, kHead = 76, kMargin = 16;
constexpr double kLeft = 62, kRight = 18, kTop = 50, kBottom = 50;  // within a panel, around the plot
// Blue, orange, green, purple of Okabe and Ito's palette, which colour-blind people tell apart.
constexpr std::array<const char*, 4> kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7"};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

// 1500 -> "1500", 2e6 -> "2M", 0.0004 -> "0.0004".
std::string number_text(double value) {
  const double size = std::abs(value);
  if (size >= 1e6) return fmt::format("{:.3g}M", value / 1e6);
  if (size >= 1e4) return fmt::format("{:.3g}k", value / 1e3);
  return fmt::format("{:.4g}", value);
}

class Axis {
 public:
  Axis(double least, double most, bool log, double from, double to) : log_(log), from_(from), to_(to) {
    low_ = place(least);
    high_ = place(most);
    const double room = log ? 0.04 * std::max(high_ - low_, 0.3) : 0;
    low_ -= room;
    high_ += room;
    if (high_ - low_ < 1e-9) {
      low_ -= 0.5;
      high_ += 0.5;
    }
  }
  double at(double value) const { return from_ + (place(value) - low_) / (high_ - low_) * (to_ - from_); }
  std::vector<double> ticks() const { return log_ ? log_ticks() : plain_ticks(); }

 private:
  double place(double value) const { return log_ ? std::log10(value) : value; }

  // 1, 2, 5 of every decade; only the powers of ten when those are enough.
  std::vector<double> log_ticks() const {
    const bool wide = high_ - low_ > 2.2;
    std::vector<double> out;
    for (int decade = static_cast<int>(std::floor(low_)); decade <= static_cast<int>(std::ceil(high_)); ++decade)
      for (const double step : {1.0, 2.0, 5.0}) {
        const double value = step * std::pow(10, decade);
        if (wide && step != 1.0) continue;
        if (std::log10(value) >= low_ && std::log10(value) <= high_) out.push_back(value);
      }
    return out;
  }
  std::vector<double> plain_ticks() const {
    const double rough = (high_ - low_) / 5, power = std::pow(10, std::floor(std::log10(rough)));
    double step = power;
    for (const double factor : {1.0, 2.0, 5.0, 10.0})
      if (factor * power <= rough * 1.5) step = factor * power;
    std::vector<double> out;
    for (double value = std::ceil(low_ / step) * step; value <= high_ + 1e-9 * step; value += step)
      out.push_back(value);
    return out;
  }

  bool log_;
  double from_, to_, low_ = 0, high_ = 1;
};

struct Range {
  double least = std::numeric_limits<double>::infinity(), most = -std::numeric_limits<double>::infinity();
  void add(double value) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
};

class Drawing {
 public:
  template <class... Values>
  void add(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(svg_), format, std::forward<Values>(values)...);
  }
  void text(double x, double y, const char* look, const std::string& words) {
    add("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, look, escaped(words));
  }
  void line(double x1, double y1, double x2, double y2, const char* look) {
    add("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1, y1, x2, y2, look);
  }
  std::string take() { return std::move(svg_); }

 private:
  std::string svg_;
};

constexpr const char* kGrid = "stroke=\"#888\" stroke-opacity=\"0.25\"";
constexpr const char* kAxisLine = "stroke=\"#555\"";
constexpr const char* kSmall = "font-size=\"11\" fill=\"#444\"";
constexpr const char* kSmallMiddle = "font-size=\"11\" fill=\"#444\" text-anchor=\"middle\"";
constexpr const char* kSmallEnd = "font-size=\"11\" fill=\"#444\" text-anchor=\"end\"";

void draw_axes(Drawing& drawing, const Panel& panel, const Axis& x_axis, const Axis& y_axis) {
  const double left = kLeft, right = kPanelWidth - kRight, top = kTop, bottom = kPanelHeight - kBottom;
  for (const double tick : panel.x_ticks.empty() ? x_axis.ticks() : panel.x_ticks) {
    drawing.line(x_axis.at(tick), top, x_axis.at(tick), bottom, kGrid);
    drawing.text(x_axis.at(tick), bottom + 15, kSmallMiddle, number_text(tick));
  }
  for (const double tick : y_axis.ticks()) {
    drawing.line(left, y_axis.at(tick), right, y_axis.at(tick), kGrid);
    drawing.text(left - 5, y_axis.at(tick) + 4, kSmallEnd, number_text(tick));
  }
  drawing.line(left, bottom, right, bottom, kAxisLine);
  drawing.line(left, top, left, bottom, kAxisLine);
  drawing.text((left + right) / 2, bottom + 34, kSmallMiddle, panel.x_label);
  drawing.add("<text transform=\"translate(14 {:.1f}) rotate(-90)\" {}>{}</text>\n", (top + bottom) / 2, kSmallMiddle,
              escaped(panel.y_label));
}

void draw_curve(Drawing& drawing, const Curve& curve, const char* colour, const Axis& x_axis, const Axis& y_axis) {
  const bool reference = curve.look == Curve::Look::kReference;
  drawing.add("<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"{} points=\"", reference ? "#777" : colour,
              reference ? 1.2 : 2.0, reference ? " stroke-dasharray=\"5 4\"" : "");
  for (const ChartPoint& p : curve.points) drawing.add("{:.1f},{:.1f} ", x_axis.at(p.x), y_axis.at(p.y));
  drawing.add("\"/>\n");
  if (reference) return;
  for (const ChartPoint& p : curve.points)
    drawing.add("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.2\" fill=\"{}\"/>\n", x_axis.at(p.x), y_axis.at(p.y),
                colour);
}

// Where the legend hides least: the corner of the plot that the curves keep away from.
bool legend_is_left(const Panel& panel, const Axis& x_axis, const Axis& y_axis) {
  const double left = kLeft, right = kPanelWidth - kRight;
  double over_left = 0, over_right = 0;
  for (const Curve& curve : panel.curves)
    for (const ChartPoint& p : curve.points) {
      const double high = kPanelHeight - kBottom - y_axis.at(p.y);
      double& side = x_axis.at(p.x) < (left + right) / 2 ? over_left : over_right;
      side = std::max(side, high);
    }
  return over_left <= over_right;
}

void draw_panel(Drawing& drawing, const Panel& panel) {
  Range xs, ys;
  for (const Curve& curve : panel.curves)
    for (const ChartPoint& p : curve.points) {
      xs.add(p.x);
      ys.add(p.y);
    }
  if (panel.y_from_zero) ys.add(0);
  const double room = panel.log_y ? 1 : 1.12;  // above the highest curve, for the legend
  const Axis x_axis(xs.least, xs.most, panel.log_x, kLeft + 8, kPanelWidth - kRight - 8);
  const Axis y_axis(ys.least, ys.most * room, panel.log_y, kPanelHeight - kBottom, kTop);
  drawing.text(kLeft, 18, "font-size=\"14\" font-weight=\"bold\" fill=\"#111\"", panel.title);
  drawing.text(kLeft, 36, kSmall, panel.note);
  draw_axes(drawing, panel, x_axis, y_axis);

  size_t colour = 0;
  double y = kTop + 14;
  const double x = legend_is_left(panel, x_axis, y_axis) ? kLeft + 12 : kPanelWidth - kRight - 170;
  for (const Curve& curve : panel.curves) {
    const bool reference = curve.look == Curve::Look::kReference;
    const char* stroke = reference ? "#777" : kColours[colour % kColours.size()];
    draw_curve(drawing, curve, stroke, x_axis, y_axis);
    drawing.add("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\" stroke-width=\"2\"{}/>\n",
                x, y - 4, x + 22, y - 4, stroke, reference ? " stroke-dasharray=\"5 4\"" : "");
    drawing.text(x + 28, y, kSmall, curve.label);
    y += 16;
    if (!reference) ++colour;
  }
}

}  // namespace

std::string draw_chart(const std::string& title, const std::vector<std::string>& subtitle,
                       const std::vector<Panel>& panels) {
  const double width = 2 * kMargin + kPanelWidth * static_cast<double>(panels.size());
  const double height = kHead + kPanelHeight + kMargin;
  Drawing drawing;
  drawing.add(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\" font-family=\"sans-serif\">\n",
      width, height);
  drawing.add("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
  drawing.text(kMargin, 28, "font-size=\"18\" font-weight=\"bold\" fill=\"#111\"", title);
  double y = 46;
  for (const std::string& line : subtitle) {
    drawing.text(kMargin, y, kSmall, line);
    y += 15;
  }
  for (size_t i = 0; i < panels.size(); ++i) {
    drawing.add("<g transform=\"translate({:.1f} {:.1f})\">\n", kMargin + kPanelWidth * static_cast<double>(i), kHead);
    draw_panel(drawing, panels[i]);
    drawing.add("</g>\n");
  }
  drawing.add("</svg>\n");
  return drawing.take();
}

}  // namespace pairloom::cli
