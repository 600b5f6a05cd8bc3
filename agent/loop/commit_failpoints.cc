#include "agent/loop/commit_failpoints.h"

#include "base/failpoint.h"

namespace passnet::agent {

void FailpointAfter(trajectories::EventKind kind) {
  using trajectories::EventKind;
  switch (kind) {
    case EventKind::kTrajectoryStarted: PASSNET_FAILPOINT("agent.after_trajectory_started"); return;
    case EventKind::kPromptRendered: PASSNET_FAILPOINT("agent.after_prompt_rendered"); return;
    case EventKind::kLlmIntent: PASSNET_FAILPOINT("agent.after_llm_intent"); return;
    case EventKind::kLlmAttempt: PASSNET_FAILPOINT("agent.after_llm_attempt"); return;
    case EventKind::kLlmAttemptEnd: PASSNET_FAILPOINT("agent.after_llm_attempt_end"); return;
    case EventKind::kLlmOutcome: PASSNET_FAILPOINT("agent.after_llm_outcome"); return;
    case EventKind::kReplyParsed: PASSNET_FAILPOINT("agent.after_reply_parsed"); return;
    case EventKind::kCandidate: PASSNET_FAILPOINT("agent.after_candidate"); return;
    case EventKind::kEvaluationIntent: PASSNET_FAILPOINT("agent.after_evaluation_intent"); return;
    case EventKind::kEvaluationReport: PASSNET_FAILPOINT("agent.after_evaluation_report"); return;
    case EventKind::kFeedback: PASSNET_FAILPOINT("agent.after_feedback"); return;
    case EventKind::kBaseline: PASSNET_FAILPOINT("agent.after_baseline"); return;
    case EventKind::kTrajectoryFinished: PASSNET_FAILPOINT("agent.after_trajectory_finished"); return;
    case EventKind::kCampaignLaunched: PASSNET_FAILPOINT("campaign.after_launched"); return;
    case EventKind::kCampaignState: PASSNET_FAILPOINT("campaign.after_state"); return;
    case EventKind::kCampaignTask:
    case EventKind::kLlmLost:
    case EventKind::kEvaluationInfra:
    case EventKind::kCompile:
    case EventKind::kBudget:
    case EventKind::kInfra:
    case EventKind::kEnvironment:
    case EventKind::kOperatorAction:
    case EventKind::kCampaignHead:
    case EventKind::kToolCall:
    case EventKind::kToolResult:
      return;
  }
}

}  // namespace passnet::agent
