#include "evaluator/lane/worker_answer.h"

namespace passnet::evaluator {
namespace {

Error NoAnswer(const Error& error) { return DataCorrupt(error.context); }

std::string Opening(std::string_view who) { return std::string(who) + " gave no usable answer"; }

}  // namespace

Result<Json> ParseAnswer(std::string_view text, std::string_view who) {
  auto answer = ParseJsonObject(text, Opening(who));
  if (!answer) return NoAnswer(answer.error());
  return answer;
}

Status ReadAnswer(const Json& answer, std::string_view who, const VisitFn& visit) {
  FieldReader fields(answer, UnknownKeys::kIgnored);
  visit(fields);
  if (auto read = fields.Check(Opening(who)); !read) return NoAnswer(read.error());
  return OkStatus();
}

Result<std::optional<std::string>> ErrorIn(const Json& answer, std::string_view who) {
  std::optional<std::string> words;
  if (!answer.Has("error")) return words;
  RETURN_IF_ERROR(ReadAnswer(answer, who, [&](FieldVisitor& fields) {
    fields.Required("error");
    fields.Text("error", &words.emplace());
  }));
  return words;
}

}  // namespace passnet::evaluator
