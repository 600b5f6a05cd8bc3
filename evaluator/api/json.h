// JSON forms of evaluator/api: text in, text out, so that no header of ours needs nlohmann's.
// Threads: thread-safe. Errors: kInvalidArgument naming the field ("files[2].name: string expected").
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "evaluator/api/evaluation.h"

namespace passnet::evaluator {

std::string ToJson(const EvaluateRequest& request);
Result<EvaluateRequest> EvaluateRequestFromJson(std::string_view json);
std::string ToJson(const BaselineRequest& request);
Result<BaselineRequest> BaselineRequestFromJson(std::string_view json);
std::string ToJson(const DescribeTaskRequest& request);
Result<DescribeTaskRequest> DescribeTaskRequestFromJson(std::string_view json);

// "passnet.evaluation/1", "passnet.baseline/1" and "passnet.task_description/1", one line, keys in the contract's order.
std::string ToJson(const EvaluationReport& report);
Result<EvaluationReport> EvaluationReportFromJson(std::string_view json);
std::string ToJson(const BaselineReport& report);
Result<BaselineReport> BaselineReportFromJson(std::string_view json);
std::string ToJson(const TaskDescription& description);
Result<TaskDescription> TaskDescriptionFromJson(std::string_view json);

}  // namespace passnet::evaluator
