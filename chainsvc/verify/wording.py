"""What verdicts say, in English and Chinese; the verifier's only texts that a court or a citizen reads."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Wording(NamedTuple):
    """One text in both languages."""

    en: str
    zh: str

    def to_json(self) -> dict[str, str]:
        """Return both under ``en`` and ``zh``."""
        return {"en": self.en, "zh": self.zh}


STEP_NAMES: Mapping[int, Wording] = MappingProxyType(
    {
        1: Wording("file", "证据文件"),
        2: Wording("commitment", "承诺值"),
        3: Wording("content", "内容规则"),
        4: Wording("path", "批次路径与合计"),
        5: Wording("head", "链上批次头"),
        6: Wording("block", "可信区块"),
        7: Wording("contract", "合约与机构"),
        8: Wording("standing", "当前效力"),
        9: Wording("submission", "机构签名"),
        10: Wording("receipt", "回执与时间戳"),
    }
)
"""Names of the ten steps."""

OUTCOMES: Mapping[str, str] = MappingProxyType({"passed": "通过", "failed": "不符", "not checked": "未核验"})
"""Chinese of each outcome."""

VERDICTS: Mapping[str, str] = MappingProxyType(
    {
        "valid": "有效",
        "superseded": "已被更正替代",
        "revoked": "已撤回",
        "suspended": "已中止",
        "dissolved": "已解除",
        "annulled": "已撤销",
        "void": "已宣告无效",
        "invalid": "核验不通过",
        "undetermined": "无法判定",
        "current": "现行有效",
    }
)
"""Chinese of each verdict and standing."""

SIGNED = Wording(
    "The organization itself signed the submission with a key that was valid when the batch was anchored.",
    "由该机构以锚定时有效的密钥签名提交。",
)
UNSIGNED = Wording(
    "The ledger is unsigned: the origin is what the anchoring account attests, an account that the organization "
    "had delegated when the batch was anchored.",
    "该账簿不要求签名：来源由锚定账户证明，该账户在锚定时受该机构委托。",
)
UNKNOWN_ORIGIN = Wording(
    "Nobody: the steps that show the origin did not pass.",
    "无：证明来源的步骤未通过。",
)

TRUTH = Wording(
    "that what the record says is true: only that it is exactly what was notarized",
    "记录内容本身的真实性：仅证明与存证时完全一致",
)
NOT_BEFORE = Wording(
    "that the record did not exist earlier: only that it existed no later than the block",
    "记录此前不存在：仅证明不晚于该区块时间存在",
)
LATER_STANDING = Wording(
    "the standing after the block that was asked for",
    "所核验区块之后的效力变化",
)
ORIGIN = Wording(
    "that the organization itself wrote the record: the ledger is unsigned",
    "记录由该机构亲自制作：该账簿不要求签名",
)
HIDDEN = Wording(
    "the values that the holder did not disclose",
    "持有人未披露的内容",
)
OWN_NODE = Wording(
    "that the node tells the truth: it is the verifier's own, or should be",
    "所用节点诚实：应为核验人自有节点",
)
NODES = Wording(
    "that the nodes tell the truth: they agree, and those who run them should have no interest in common",
    "各节点诚实：其答复一致，运行机构之间应无共同利益",
)
CHECKPOINT = Wording(
    "that the validators sealed the block: the signers of the checkpoint vouch for it",
    "验证节点对区块的签封：由检查点签名人担保",
)
SEALS = Wording(
    "that so many validators, or whoever has their keys, sealed no other block in its place",
    "达到法定数量的验证节点（或持有其密钥者）未另行签封其他区块取而代之",
)
UNANCHORED = Wording(
    "that the block is one of this chain: nothing that was given vouches for it",
    "所用区块属于本链：所提供的依据均不能担保",
)
RECEIPT_KEY = Wording(
    "whose key signed the receipt: only a node can show that it is registered",
    "回执由谁的密钥签名：仅节点可证明该密钥已登记",
)
UNCHECKED = Wording(
    "what the steps marked as not checked would show",
    "标为“未核验”的步骤所涉事项",
)
