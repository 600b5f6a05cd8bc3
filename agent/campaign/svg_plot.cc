#include "agent/campaign/svg_plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "agent/campaign/html_page.h"

namespace passnet::agent {
namespace {

constexpr double kWidth = 520;
constexpr double kHeight = 300;
constexpr double kLeft = 52;
constexpr double kRight = 14;
constexpr double kTop = 48;      // of a line plot: title, then legend
constexpr double kRowsTop = 34;  // of bars and rows: the title alone
constexpr double kBottom = 44;
constexpr double kRowHeight = 18;
constexpr double kLabelWidth = 190;  // of bars and rows
constexpr size_t kLabelBytes = 30;   // what fits into it
constexpr int kTicks = 5;        // about so many
constexpr int kMostTicks = 20;   // whatever the values are

std::string Text(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

// A place on the canvas: half a pixel is enough.
std::string At(double value) { return Text("%.1f", value); }

std::string Label(double x, double y, const char* anchor, const std::string& style, const std::string& text) {
  return "<text x=\"" + At(x) + "\" y=\"" + At(y) + "\" text-anchor=\"" + anchor + "\" class=\"" + style + "\">" +
         EscapeHtml(text) + "</text>";
}

std::string Stroke(double x1, double y1, double x2, double y2, const std::string& style) {
  return "<line x1=\"" + At(x1) + "\" y1=\"" + At(y1) + "\" x2=\"" + At(x2) + "\" y2=\"" + At(y2) + "\" class=\"" +
         EscapeHtml(style) + "\"/>";
}

std::string Open(double height, const std::string& title) {
  return "<svg viewBox=\"0 0 " + At(kWidth) + " " + At(height) + "\" role=\"img\" aria-label=\"" + EscapeHtml(title) +
         "\">" + Label(kWidth / 2, 18, "middle", "title", title) + "\n";
}

struct Range {
  double low = 0;
  double high = 1;
  double Place(double value, double from, double to) const { return from + (value - low) / (high - low) * (to - from); }
};

// A step of 1, 2 or 5 times a power of ten that divides the range into about kTicks parts.
double StepOf(const Range& range) {
  const double rough = (range.high - range.low) / kTicks;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (double times : {1.0, 2.0, 5.0}) {
    if (power * times >= rough) return power * times;
  }
  return power * 10;
}

Range RangeOf(double low, double high) {
  if (!(high > low)) return {low - 0.5, low + 0.5};
  return {low, high};
}

bool IsFinite(const std::pair<double, double>& point) {
  return std::isfinite(point.first) && std::isfinite(point.second);
}

std::string Polyline(const Line& line, const Range& x, const Range& y) {
  std::string points;
  for (const auto& point : line.points) {
    if (!IsFinite(point)) continue;
    points += (points.empty() ? "" : " ") + At(x.Place(point.first, kLeft, kWidth - kRight)) + "," +
              At(y.Place(point.second, kHeight - kBottom, kTop));
  }
  if (points.empty()) return {};
  return "<polyline class=\"" + EscapeHtml(line.style) + "\" points=\"" + points + "\"/>\n";
}

std::string Axes(const LinePlot& plot, const Range& x, const Range& y) {
  std::string svg;
  const double step = StepOf(y);
  for (int i = 0; i < kMostTicks; ++i) {
    const double value = (std::ceil(y.low / step) + i) * step;
    if (!(value <= y.high + step * 1e-9)) break;
    const double place = y.Place(value, kHeight - kBottom, kTop);
    svg += Stroke(kLeft, place, kWidth - kRight, place, "grid");
    svg += Label(kLeft - 6, place + 4, "end", "soft", Text("%.3g", value));
  }
  const double x_step = plot.whole_x ? std::max(1.0, std::ceil((x.high - x.low) / 16)) : StepOf(x);
  for (int i = 0; i < kMostTicks; ++i) {
    const double value = std::ceil(x.low) + i * x_step;
    if (!(value <= x.high + 1e-9)) break;
    const double place = x.Place(value, kLeft, kWidth - kRight);
    svg += Label(place, kHeight - kBottom + 15, "middle", "soft", Text("%.3g", value));
  }
  svg += Stroke(kLeft, kHeight - kBottom, kWidth - kRight, kHeight - kBottom, "axis");
  svg += Label((kLeft + kWidth) / 2, kHeight - 10, "middle", "soft", plot.x_label);
  svg += Label(4, kTop - 8, "start", "soft", plot.y_label);
  return svg + "\n";
}

std::string Legend(const std::vector<Line>& lines) {
  std::string svg;
  double x = kWidth - kRight;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    if (line->name.empty()) continue;
    svg += Label(x, kTop - 8, "end", "soft", line->name);
    x -= 7.0 * static_cast<double>(line->name.size()) + 6;
    svg += Stroke(x - 22, kTop - 12, x, kTop - 12, line->style);
    x -= 34;
  }
  return svg;
}

std::string Shortened(const std::string& label) {
  if (label.size() <= kLabelBytes) return label;
  size_t end = kLabelBytes;
  while (end > 0 && (label[end] & 0xC0) == 0x80) --end;
  return label.substr(0, end) + "…";
}

}  // namespace

std::string LineSvg(const LinePlot& plot) {
  double low_x = INFINITY, high_x = -INFINITY, low_y = INFINITY, high_y = -INFINITY;
  for (const Line& line : plot.lines) {
    for (const auto& point : line.points) {
      if (!IsFinite(point)) continue;
      low_x = std::min(low_x, point.first);
      high_x = std::max(high_x, point.first);
      low_y = std::min(low_y, point.second);
      high_y = std::max(high_y, point.second);
    }
  }
  if (!std::isfinite(low_x)) return {};
  const Range x = RangeOf(low_x, high_x);
  const Range y = RangeOf(std::min(0.0, low_y), high_y);
  std::string svg = Open(kHeight, plot.title) + Axes(plot, x, y);
  for (const Line& line : plot.lines) svg += Polyline(line, x, y);
  return svg + Legend(plot.lines) + "</svg>\n";
}

std::string BarSvg(const std::string& title, const std::vector<Bar>& bars) {
  if (bars.empty()) return {};
  double most = 0;
  for (const Bar& bar : bars) {
    if (std::isfinite(bar.value)) most = std::max(most, bar.value);
  }
  if (!(most > 0)) return {};
  std::string svg = Open(kRowsTop + kRowHeight * static_cast<double>(bars.size()) + 10, title);
  double y = kRowsTop;
  for (const Bar& bar : bars) {
    const double share = std::isfinite(bar.value) ? std::max(bar.value, 0.0) / most : 0;
    const double width = share * (kWidth - kLabelWidth - 60);
    svg += Label(kLabelWidth - 8, y + 12, "end", "", Shortened(bar.label));
    svg += "<rect class=\"bar\" x=\"" + At(kLabelWidth) + "\" y=\"" + At(y + 2) + "\" width=\"" + At(width) +
           "\" height=\"" + At(kRowHeight - 5) + "\"/>";
    svg += Label(kLabelWidth + width + 6, y + 12, "start", "soft", Text("%.6g", bar.value)) + "\n";
    y += kRowHeight;
  }
  return svg + "</svg>\n";
}

std::string RatioSvg(const std::string& title, const std::vector<RatioRow>& rows) {
  double most = std::log(1.1);  // so that equal sides do not fill the plot with noise
  for (const RatioRow& row : rows) {
    for (double value : {row.low, row.high}) {
      if (value > 0 && std::isfinite(value)) most = std::max(most, std::abs(std::log(value)));
    }
  }
  if (rows.empty()) return {};
  const Range x{-most, most};
  auto place = [&](double ratio) {
    const double log = ratio > 0 ? std::log(ratio) : -most;
    return x.Place(std::clamp(log, -most, most), kLabelWidth, kWidth - 20);
  };
  const double bottom = kRowsTop + kRowHeight * static_cast<double>(rows.size());
  std::string svg = Open(bottom + 24, title) + Stroke(place(1), kRowsTop - 4, place(1), bottom, "axis");
  for (double ratio : {std::exp(-most), 1.0, std::exp(most)}) {
    svg += Label(place(ratio), bottom + 15, "middle", "soft", Text("%.3gx", ratio));
  }
  double y = kRowsTop + kRowHeight / 2;
  for (const RatioRow& row : rows) {
    svg += Label(kLabelWidth - 12, y + 4, "end", "", Shortened(row.label));
    svg += Stroke(place(row.low), y, place(row.high), y, row.style);
    svg += "<circle class=\"" + EscapeHtml(row.style) + "\" cx=\"" + At(place(row.ratio)) + "\" cy=\"" + At(y) +
           "\" r=\"4\"/>\n";
    y += kRowHeight;
  }
  return svg + "</svg>\n";
}

}  // namespace passnet::agent
