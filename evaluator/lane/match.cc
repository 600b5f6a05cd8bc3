#include "evaluator/lane/match.h"

#include <optional>
#include <string_view>
#include <utility>

#include "evaluator/lane/reader_child.h"

namespace passnet::evaluator {
namespace {

constexpr uint32_t kMaxPlanBytes = 16u << 20;

Json MatchFrame(Json traced, Matching matching) {
  return {{"traced", std::move(traced)}, {"matching", MatchingName(matching)}};
}

}  // namespace

Result<Match> MatchPatterns(const std::shared_ptr<ForkParent>& task, const Json& traced, Matching matching,
                            MatchPatience& patience, KeptAnswers* kept) {
  ReaderQuestion question;
  question.role = "match";
  question.first_frame = MatchFrame(traced, matching);
  question.harmless = MatchFrame({{"passes", Json::MakeArray()}}, matching);
  question.limit = patience.lost ? patience.limit_once_lost : patience.limit;
  question.max_bytes = kMaxPlanBytes;
  question.twice = !patience.lost;
  question.kept = kept;
  Match match;
  const auto read = [&match](std::string_view frame) -> Status {
    ASSIGN_OR_RETURN(match, ReadMatch(frame));
    return OkStatus();
  };
  ASSIGN_OR_RETURN(std::optional<NoAnswer> none, AskReader(task, question, read));
  if (!none) return match;
  patience.lost = true;
  match.miss = "matching failed: " + none->how;
  return match;
}

}  // namespace passnet::evaluator
