// JSON forms of evaluator/api. Each struct lists its fields once, in json.cc; reading and writing both walk that list.
// The documents: EvaluateRequest, BaselineRequest, DescribeTaskRequest, EvaluationReport ("passnet.evaluation/1"),
// BaselineReport ("passnet.baseline/1"), TaskDescription ("passnet.task_description/1"). Of a request's files they hold
// the names; the bytes travel beside them (evaluator/api/lane_protocol.h).
// Threads: thread-safe.
// Errors: kInvalidArgument naming document and path ("passnet.evaluation/1: graphs[2].path: expected a text, found a
// number"). Keys that this build does not know are ignored: a newer program may have written them.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "evaluator/api/evaluation.h"

namespace passnet {
class FieldVisitor;
}

namespace passnet::evaluator {

// For a document that holds one of these as a part of its own.
void VisitFields(FieldVisitor& fields, EvaluateRequest& request);
void VisitFields(FieldVisitor& fields, BaselineRequest& request);
void VisitFields(FieldVisitor& fields, DescribeTaskRequest& request);
void VisitFields(FieldVisitor& fields, EvaluationReport& report);
void VisitFields(FieldVisitor& fields, BaselineReport& report);
void VisitFields(FieldVisitor& fields, TaskDescription& description);
void VisitFields(FieldVisitor& fields, OpRecord& op);  // also what a task child says of an operator

// For the six documents alone (json.cc instantiates them). Keys stand in the order of the struct's list; the text is
// one line, in which malformed UTF-8, which a candidate may have printed, is U+FFFD.
template <typename T>
Json ToJsonValue(const T& document);
template <typename T>
std::string ToJson(const T& document);

template <typename T>
Result<T> FromJsonValue(const Json& json);
template <typename T>
Result<T> FromJson(std::string_view text);

inline Result<EvaluationReport> EvaluationReportFromJson(std::string_view text) {
  return FromJson<EvaluationReport>(text);
}
inline Result<BaselineReport> BaselineReportFromJson(std::string_view text) { return FromJson<BaselineReport>(text); }

}  // namespace passnet::evaluator
