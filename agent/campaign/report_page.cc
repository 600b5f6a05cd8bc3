#include "agent/campaign/report_page.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "agent/campaign/html_page.h"
#include "agent/campaign/svg_plot.h"

namespace passnet::agent {
namespace {

constexpr size_t kMaxFaintLines = 300;  // of single samples: beyond, a plot is one grey area
constexpr size_t kMaxRatioRows = 100;
constexpr size_t kMaxBars = 30;

std::string Figure(const Json& number, const char* format) {
  if (!number.is_number()) return "-";
  char text[64];
  std::snprintf(text, sizeof text, format, number.Number());
  return text;
}

std::string Count(const Json& number) { return Figure(number, "%.0f"); }

// "1.234 (1.1 to 1.4)".
std::string WithInterval(const Json& interval, const char* format) {
  std::string text = Figure(interval["value"], format);
  if (interval["low"].is_number() && interval["high"].is_number()) {
    text += " (" + Figure(interval["low"], format) + " to " + Figure(interval["high"], format) + ")";
  }
  return text;
}

std::string Box(const std::string& name, const std::string& value, const std::string& note = "") {
  std::string html = "<div class=\"figure\"><span class=\"soft\">" + EscapeHtml(name) + "</span><b>" +
                     EscapeHtml(value) + "</b>";
  if (!note.empty()) html += "<span class=\"soft\">" + EscapeHtml(note) + "</span>";
  return html + "</div>\n";
}

std::string Paragraph(const std::string& text) { return "<p class=\"soft\">" + EscapeHtml(text) + "</p>\n"; }
std::string Heading(const std::string& text) { return "<h2>" + EscapeHtml(text) + "</h2>\n"; }

std::string Conditions(const Json& json) {
  std::string text = "device " + json["device"].TextOr("-") + ", profile " + json["profile"].TextOr("-");
  if (json["time_cap_ms"].Integer() > 0) text += " capped at " + Count(json["time_cap_ms"]) + " ms a graph";
  return text + ", call path " + json["call_path"].TextOr("-") + ", matching " + json["matching"].TextOr("-") +
         ", p " + Figure(json["p"], "%g") + ", b " + Figure(json["b"], "%g");
}

std::string Boxes(const Json& report) {
  const Json& statistics = report["statistics"];
  const Json& cost = report["cost"];
  std::string html = "<div class=\"figures\">";
  html += Box("AS of the campaign", WithInterval(statistics["aggregated_score"], "%.3f"),
              Count(report["campaign"]["tasks"]) + " tasks, " + Count(report["n_scored"]) + " samples scored");
  html += Box("AS of TorchInductor", WithInterval(statistics["inductor_score"], "%.3f"),
              Count(report["inductor"]["tasks"]) + " tasks; the campaign on these: " +
                  Figure(report["campaign_with_baseline"]["aggregated_score"], "%.3f"));
  html += Box("speed-up where correct", WithInterval(statistics["speedup"], "%.2f"), "geometric mean over eager");
  html += Box("tasks solved", Count(cost["tasks_solved"]) + " of " + Count(report["n_tasks"]));
  html += Box("not scored", Count(report["n_infra"]),
              "for failures on our side; " + Count(report["n_unfinished"]) + " unfinished, " +
                  Count(report["n_skipped"]) + " not needed");
  html += Box("cost", cost["usd"].is_number() ? "$" + Figure(cost["usd"], "%.2f") : Count(cost["tokens"]) + " tokens",
              Count(cost["tokens"]) + " tokens, " + Figure(cost["wall_s"], "%.0f") + " s");
  return html + "</div>\n";
}

Line LineOfEs(const Json& es, const char* name, const char* style) {
  Line line{name, style, {}};
  for (const auto& [t, value] : es.Members()) line.points.push_back({std::atoi(t.c_str()), value.Number(NAN)});
  std::sort(line.points.begin(), line.points.end());
  return line;
}

std::string EsPlot(const Json& report) {
  LinePlot plot{"ES(t): speed-up, errors of level t tolerated", "t", "ES", {}};
  plot.lines.push_back(LineOfEs(report["es"], "campaign", "ours"));
  plot.lines.push_back(LineOfEs(report["inductor"]["es"], "TorchInductor", "theirs"));
  return LineSvg(plot);
}

// The best so far: what a sample would have had if it had ended after the round.
std::string RoundPlot(const Json& report) {
  LinePlot plot{"Best score so far by round", "round", "AS", {}};
  for (const Json& row : report["tasks"].Items()) {
    if (plot.lines.size() == kMaxFaintLines) break;
    Line line{"", "faint", {}};
    double best = -INFINITY;
    double round = 0;
    for (const Json& score : row["round_scores"].Items()) {
      best = std::max(best, score.Number(-INFINITY));
      line.points.push_back({++round, best});
    }
    plot.lines.push_back(std::move(line));
  }
  Line mean{"all scored samples", "ours", {}};
  double round = 0;
  for (const Json& score : report["score_by_round"].Items()) mean.points.push_back({++round, score.Number(NAN)});
  plot.lines.push_back(std::move(mean));
  return LineSvg(plot);
}

std::string Bars(const std::string& title, const Json& counts) {
  std::vector<Bar> bars;
  for (const auto& [name, count] : counts.Members()) bars.push_back({name, count.Number()});
  std::stable_sort(bars.begin(), bars.end(), [](const Bar& a, const Bar& b) { return a.value > b.value; });
  if (bars.size() > kMaxBars) bars.resize(kMaxBars);
  return BarSvg(title, bars);
}

std::string KPlot(const Json& statistics) {
  LinePlot plot{"pass@k: a task is solved by one of k samples", "k", "share of tasks", {}};
  Line line{"", "ours", {}};
  for (const Json& step : statistics["pass_at"].Items()) {
    line.points.push_back({step["k"].Number(NAN), step["value"].Number(NAN)});
  }
  if (line.points.size() < 2) return {};
  plot.lines.push_back(std::move(line));
  return LineSvg(plot);
}

std::string KTable(const Json& statistics) {
  std::vector<std::vector<std::string>> rows;
  const auto& best = statistics["best_at"];
  for (size_t i = 0; i < statistics["pass_at"].size(); ++i) {
    const Json& step = statistics["pass_at"].At(i);
    rows.push_back({Count(step["k"]), WithInterval(step, "%.3f"), WithInterval(best.At(i), "%.3f"),
                    Count(step["tasks"])});
  }
  if (rows.empty()) return {};
  return Heading("Samples") + HtmlTable({"k", "pass@k", "best@k (AS)", "tasks with k scored samples"}, rows);
}

std::string TaskTable(const Json& report) {
  std::vector<std::vector<std::string>> rows;
  for (const Json& task : report["by_task"].Items()) {
    rows.push_back({task["task"].TextOr("-"), Count(task["solved"]) + "/" + Count(task["scored"]),
                    Count(task["graphs"]), Figure(task["speedup"], "%.2f"), Figure(task["inductor_speedup"], "%.2f"),
                    Figure(task["score"], "%.3f"), Figure(task["best_score"], "%.3f"),
                    Figure(task["inductor_score"], "%.3f"), Figure(task["noise"], "%.3f")});
  }
  return Heading("Tasks") + HtmlTable({"task", "solved", "graphs", "speed-up", "inductor", "AS", "best AS",
                                       "AS inductor", "noise"},
                                      rows);
}

std::string SampleTable(const Json& report) {
  std::vector<std::vector<std::string>> rows;
  for (const Json& row : report["tasks"].Items()) {
    rows.push_back({row["task"].TextOr("-"), Count(row["sample"]), Count(row["rounds"]), row["outcome"].TextOr("-"),
                    row["verdict"].TextOr("-"), Count(row["graphs_correct"]) + "/" + Count(row["graphs"]),
                    Figure(row["speedup"], "%.2f"), Figure(row["score"], "%.3f"), row["reason"].TextOr("-")});
  }
  return Heading("Every sample") + HtmlTable({"task", "sample", "rounds", "outcome", "verdict", "correct", "speed-up",
                                              "AS", "why it ended"},
                                             rows);
}

std::string Environment(const Json& environment) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [key, value] : environment.Members()) rows.push_back({key, value.TextOr(value.Dump())});
  if (rows.empty()) return {};
  return Heading("Measured on") + HtmlTable({"fact", "value"}, rows);
}

std::string SideName(const Json& side) {
  return side["name"].TextOr("-") + " (" + side["campaign_id"].TextOr("-") + ", model " + side["model"].TextOr("-") +
         ")";
}

std::string RatioPlot(const Json& tasks) {
  std::vector<RatioRow> rows;
  for (const Json& task : tasks.Items()) {
    const double ratio = task["ratio"].Number(1);
    const double width = std::exp(task["noise"].Number());
    rows.push_back({task["task"].TextOr("-"), ratio, ratio / width, ratio * width, task["result"].TextOr("tie")});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const RatioRow& a, const RatioRow& b) { return a.ratio > b.ratio; });
  std::string title = "Score of B over score of A, with the noise";
  if (rows.size() > kMaxRatioRows) {
    title += " (the " + std::to_string(kMaxRatioRows) + " that differ most)";
    auto far = [](const RatioRow& row) { return row.ratio > 0 ? std::abs(std::log(row.ratio)) : INFINITY; };
    std::stable_sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) { return far(a) > far(b); });
    rows.resize(kMaxRatioRows);
    std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.ratio > b.ratio; });
  }
  return RatioSvg(title, rows);
}

}  // namespace

std::string ReportPage(const Json& report) {
  const std::string name = report["name"].TextOr("-");
  std::string body = "<h1>" + EscapeHtml(name) + "</h1>\n";
  body += Paragraph("campaign " + report["campaign_id"].TextOr("-") + ", model " + report["model"].TextOr("-") + ", " +
                    report["state"].TextOr("-") + ", " + Count(report["samples"]) + " sample(s) a task");
  body += Paragraph(Conditions(report));
  body += Boxes(report);
  body += "<div class=\"plots\">\n" + EsPlot(report) + RoundPlot(report) + Bars("Verdicts", report["verdicts"]) +
          Bars("Outcomes", report["outcomes"]) + Bars("Why samples ended", report["reasons"]) +
          KPlot(report["statistics"]) + "</div>\n";
  body += KTable(report["statistics"]);
  body += Paragraph("In brackets: 95 % intervals, " + report["statistics"]["method"].TextOr("-") + ", " +
                    Count(report["statistics"]["resamples"]) + " resamples.");
  body += TaskTable(report) + SampleTable(report) + Environment(report["environment"]);
  return HtmlDocument("Campaign " + name, body);
}

std::string ComparisonPage(const Json& comparison) {
  const Json& score = comparison["aggregated_score"];
  const Json& solved = comparison["solved"];
  std::string body = "<h1>B against A</h1>\n";
  body += Paragraph("A: " + SideName(comparison["a"])) + Paragraph("B: " + SideName(comparison["b"]));
  body += Paragraph(Conditions(comparison["conditions"]));
  for (const Json& text : comparison["forced"].Items()) body += Paragraph("Compared although " + text.TextOr("-"));
  body += "<div class=\"figures\">" + Box("AS of A", WithInterval(score["a"], "%.3f")) +
          Box("AS of B", WithInterval(score["b"], "%.3f")) +
          Box("B over A", WithInterval(score["ratio"], "%.3f"), "paired by task") +
          Box("wins, losses, ties of B",
              Count(comparison["wins"]) + ", " + Count(comparison["losses"]) + ", " + Count(comparison["ties"]),
              "outside the noise, of " + Count(comparison["n_compared"]) + " tasks") +
          Box("solved, B minus A", WithInterval(solved["difference"], "%+.3f"),
              "A " + Figure(solved["a"]["value"], "%.3f") + ", B " + Figure(solved["b"]["value"], "%.3f")) +
          "</div>\n";
  body += "<div class=\"plots\">\n" + RatioPlot(comparison["tasks"]) + "</div>\n";
  std::vector<std::vector<std::string>> rows;
  for (const Json& task : comparison["tasks"].Items()) {
    rows.push_back({task["task"].TextOr("-"), Figure(task["a"], "%.3f"), Figure(task["b"], "%.3f"),
                    Figure(task["ratio"], "%.3f"), Figure(task["noise"], "%.3f"), task["result"].TextOr("-")});
  }
  body += Heading("Tasks") + HtmlTable({"task", "A", "B", "B over A", "noise", "B has"}, rows);
  return HtmlDocument("Comparison of two campaigns", body);
}

}  // namespace passnet::agent
