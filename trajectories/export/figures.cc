#include "trajectories/export/figures.h"

#include <cmath>

#include "base/json.h"

namespace passnet::trajectories {
namespace {

class FigureReader {
 public:
  explicit FigureReader(const VerdictNames& verdicts) : verdicts_(verdicts) {}

  Status Read(const Event& event) {
    const EventDraft& body = event.body;
    switch (body.kind) {
      case EventKind::kTrajectoryStarted: return ReadStart(event);
      case EventKind::kEvaluationIntent:
        if (body.label == "final") final_id_ = body.subject;
        return OkStatus();
      case EventKind::kCandidate:
        if (body.round) round_of_[body.subject] = *body.round;
        return OkStatus();
      case EventKind::kEvaluationReport: return ReadReport(event);
      case EventKind::kBaseline: return ReadBaseline(event);
      case EventKind::kTrajectoryFinished:
        figures_.winner_round = body.round;
        if (!body.round && round_of_.contains(body.subject)) figures_.winner_round = round_of_[body.subject];
        return OkStatus();
      default: return OkStatus();
    }
  }

  TrajectoryFigures figures() && { return std::move(figures_); }

 private:
  static Result<Json> PayloadOf(const Event& event) {
    auto payload = ParseJsonObject(event.body.payload, "journal: payload of row " + std::to_string(event.row_id));
    if (!payload) return DataCorrupt(payload.error().context);
    return payload;
  }

  // An old start says less; its task then has a name and nothing else.
  Status ReadStart(const Event& event) {
    figures_.task.name = event.body.subject;
    ASSIGN_OR_RETURN(Json payload, PayloadOf(event));
    figures_.task.path = payload["task_path"].Text();
    figures_.task.hash = payload["task_hash"].Text();
    const Json& start = payload["start"]["score"];
    if (start.is_number()) figures_.start_score = start.Number();
    return OkStatus();
  }

  // A report is called by its worst graph, behind which another graph's verdict may hide: a crash on one, a faked clock
  // on the other.
  Status ReadReport(const Event& event) {
    const EventDraft& body = event.body;
    figures_.barred |= verdicts_.barred.contains(body.label);
    ASSIGN_OR_RETURN(Json report, PayloadOf(event));
    for (const Json& graph : report["graphs"].Items()) {
      figures_.barred |= verdicts_.barred.contains(graph["verdict"].Text());
    }
    Judgement judgement;
    judgement.score = body.score;
    judgement.speedup = SpeedupOf(report["graphs"]);
    judgement.good = body.label == verdicts_.good;
    if (!judgement.good) judgement.speedup.reset();
    if (body.subject == final_id_) {
      figures_.final = judgement;
    } else if (body.round) {
      figures_.rounds[*body.round] = judgement;
    }
    return OkStatus();
  }

  std::optional<double> SpeedupOf(const Json& graphs) const {
    double sum = 0;
    for (const Json& graph : graphs.Items()) {
      const double speedup = graph["speedup_call"].Number();
      if (graph["verdict"].Text() != verdicts_.good || !(speedup > 0)) return std::nullopt;
      sum += std::log(speedup);
    }
    if (graphs.empty()) return std::nullopt;
    return std::exp(sum / static_cast<double>(graphs.size()));
  }

  // An error in the baseline's place says that it is not known.
  Status ReadBaseline(const Event& event) {
    if (event.body.label != "inductor") return OkStatus();
    ASSIGN_OR_RETURN(Json payload, PayloadOf(event));
    const Json& score = payload["aggregated_score"];
    if (score.is_number()) figures_.inductor_score = score.Number();
    return OkStatus();
  }

  const VerdictNames& verdicts_;
  std::string final_id_;
  std::map<std::string, int64_t> round_of_;  // of a candidate's hash: the last round that handed it in
  TrajectoryFigures figures_;
};

}  // namespace

Result<TrajectoryFigures> ReadFigures(const std::vector<Event>& events, const VerdictNames& verdicts) {
  FigureReader reader(verdicts);
  for (const Event& event : events) RETURN_IF_ERROR(reader.Read(event));
  return std::move(reader).figures();
}

}  // namespace passnet::trajectories
