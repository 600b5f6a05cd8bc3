// Plots as inline SVG without any script: lines, bars, and ratios with their intervals. Colours come from classes that
// the page's style sheet names (html_page.h), so that a page reads in the light and in the dark.
// Threads: pure functions. Errors: none: values that are not finite are left out.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace passnet::agent {

struct Line {
  std::string name;                               // for the legend; empty: none
  std::string style;                              // a class: "ours", "theirs", "faint"
  std::vector<std::pair<double, double>> points;  // in the order of x
};

struct LinePlot {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<Line> lines;
  bool whole_x = true;  // x counts: a tick at each whole number where there is room
};

struct Bar {
  std::string label;
  double value = 0;
};

struct RatioRow {
  std::string label;
  double ratio = 1;
  double low = 1;
  double high = 1;
  std::string style;  // a class: "win", "loss", "tie"
};

// "" where there is nothing to draw.
std::string LineSvg(const LinePlot& plot);
std::string BarSvg(const std::string& title, const std::vector<Bar>& bars);
// A row a ratio, on a logarithmic axis with a line at 1.
std::string RatioSvg(const std::string& title, const std::vector<RatioRow>& rows);

}  // namespace passnet::agent
