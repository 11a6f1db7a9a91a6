"""Makes the page of what is and is not there, from torch and minigrad themselves: `python docs/coverage.py`.

Run it in the checkout; it needs torch (the extra `torch`). tests/test_coverage_page.py runs it, and compares.
"""

import inspect
import re
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
PAGES = {"en": DOCS / "what-is-there.md", "zh": DOCS / "what-is-there.zh-CN.md"}
SPACES = (
    "torch",
    "torch.Tensor",
    "torch.autograd",
    "torch.autograd.functional",
    "torch.linalg",
    "torch.special",
    "torch.func",
    "torch.amp",
    "torch.nn",
    "torch.nn.Module",
    "torch.nn.functional",
    "torch.nn.init",
    "torch.nn.utils",
    "torch.nn.utils.parametrize",
    "torch.nn.utils.parametrizations",
    "torch.nn.utils.prune",
    "torch.optim",
    "torch.optim.lr_scheduler",
    "torch.optim.swa_utils",
    "torch.utils.checkpoint",
    "torch.utils.data",
    "torch.distributions",
    "torch.testing",
)
FOREIGN = ("abc", "typing", "collections", "warnings", "functools", "contextlib", "enum", "weakref", "bisect")
# What is left out on purpose: a name's reason is the first whose pattern is found in it.
OUTSIDE = {
    "layouts": r"sparse|[cb]s[rc](_|$)|ccol_|^col_ind|crow_|row_indices|coalesce|mkldnn|nested|jagged|to_dense|^dsmm"
    r"|spmm|^smm|saddmm|padded_tensor|dense_dim|^values|^indices|hsmm|hspmm|sspaddmm",
    "quantized": r"quant(?!ile)|^q_|qu?int|qscheme|per_(channel|tensor)|fbgemm|int_repr|qparams|cudnn|miopen|QuantStub",
    "complex": r"[cC]omplex|^eig(vals)?$|^imag|^real$|conj|polar$|resolve_|is_neg$|^c(half|float|double)$"
    r"|stft|^angle",
    "devices": r"cuda|Cuda|xpu|mps|mtia|hpu|maia|^ipu|xla|vulkan|pin_memory|pinned|Device|Stream|autocast|GradScaler"
    r"|is_meta|device_module|tf32",
    "compilers": r"[sS]cript|JIT|jit|Graph|^vmap|^cond$|while_loop|[sS]ym_|^Sym|export|trace$|fork$|wait$|_ir_|parse_"
    r"|type_list|type_comment|dim_order|func_|^func$|compiled_with|Compil|boolean_dispatch|BroadcastingList",
    "names": r"^names$|^rename|align_|refine_names|has_names|^name$",
    "packed": r"^u?int\d$|^uint(16|32|64)$|^bits|float8|float4|bfloat16|BFloat16|scaled_(grouped_)?mm"
    r"|ScalingType|Swizzle",
    "storage": r"[sS]torage|^set_$|from_file|^map2?_$|shared|share_memory|resize|get_device$|^ipc|data_ptr",
    "parallel": r"distributed|Distributed|num_(inter|intra)|num_threads|thread|[pP]arallel|SyncBatchNorm|^worker",
    "internals": r"_copy$|^native_|^batch_norm_|^unsafe_|deterministic|vitals|^has_(lapack|mkl|openmp|spectral)"
    r"|denormal|warn_always|slice_inverse|_moments|PyTorchFile|handle_torch|torch_function|_notes$|^AVG$|^SUM$|DataPipe"
    r"|datapipe|runtime_validation|argument_validation|factory_kwargs|GRID_SAMPLE|assert_int|^DType$|^TYPE_|^T_dest|dump_patches",
}
REFUSED = ("eig", "eigvals", "share_memory")  # which are there to say what there is not
WORDS = {
    "en": {
        "title": "What of torch is there, and what is not",
        "other": "中文版：[what-is-there.zh-CN.md](what-is-there.zh-CN.md)",
        "intro": "Names of torch {version}, and whether minigrad has them. This page is made from both packages by "
        "`python docs/coverage.py`, so it cannot be wrong about names; what a name does is what torch's does, or an "
        "error, but for the differences below. `python -m minigrad script.py` names the nearest to a missing one.",
        "space": "namespace",
        "count": "torch's names",
        "there": "there",
        "outside": "left out on purpose",
        "missing": "not there",
        "differences": "Known differences",
        "names_there": "There",
        "names_missing": "Not there",
        "names_outside": "Left out on purpose",
        "what": "what",
        "how": "how minigrad differs, and why",
        "reasons": "Left out on purpose",
    },
    "zh": {
        "title": "torch 的哪些东西有，哪些没有",
        "other": "English: [what-is-there.md](what-is-there.md)",
        "intro": "torch {version} 的名字，以及 minigrad 是否有。本页由 `python docs/coverage.py` 从两个包本身生成，"
        "所以名字不会写错；除了下面的差别，一个名字做的事与 torch 相同，否则就报错。"
        "对缺少的名字，`python -m minigrad script.py` 会说出最接近的那一个。",
        "space": "命名空间",
        "count": "torch 的名字",
        "there": "有",
        "outside": "有意不做",
        "missing": "没有",
        "differences": "已知的差别",
        "names_there": "有",
        "names_missing": "没有",
        "names_outside": "有意不做",
        "what": "什么",
        "how": "minigrad 有何不同，为什么",
        "reasons": "有意不做的",
    },
}
REASONS = {
    "en": {
        "layouts": "sparse, nested and other layouts: minigrad's tensors are NumPy arrays",
        "quantized": "quantisation, and kernels of single vendors' libraries",
        "complex": "complex numbers: the engine's rules are for real ones",
        "devices": "devices other than the CPU, and mixed precision on them",
        "compilers": "compilers, tracers and their types, but for `torch.compile` itself",
        "names": "named dimensions, which torch calls experimental",
        "packed": "dtypes that NumPy has no numbers of, and unsigned ones that few of torch's functions take",
        "storage": "storages as objects, and memory shared between processes",
        "parallel": "several processes, devices or threads within one operation",
        "internals": "what torch's own code needs in its own namespace: types of its compiler, kernels, switches",
    },
    "zh": {
        "layouts": "稀疏、嵌套等布局：minigrad 的张量就是 NumPy 数组",
        "quantized": "量化，以及个别厂商库的内核",
        "complex": "复数：引擎的规则只针对实数",
        "devices": "CPU 以外的设备，及其上的混合精度",
        "compilers": "编译器、跟踪器及其类型；`torch.compile` 本身除外",
        "names": "命名维度，torch 称之为实验性的",
        "packed": "NumPy 没有的数据类型，以及 torch 的函数很少接受的无符号类型",
        "storage": "作为对象的存储，以及进程间共享的内存",
        "parallel": "一个运算中的多进程、多设备、多线程",
        "internals": "torch 自身代码放在自己命名空间里的东西：编译器的类型、内核、开关",
    },
}
# (what, how and why), in both languages
DIFFERENCES = {
    "en": [
        ("rounding", "Sums, products of matrices and functions such as `exp` are NumPy's: the last digits may differ."),
        ("`device`", "There is the CPU only; asking for another raises torch's error for a build without it."),
        ("`save`, `load`", "Files are in the safetensors format: a pickle, which torch's hold, runs what is in it."),
        ("`DataLoader(num_workers=n)`", "The batches are the same; they are made in the calling process."),
        ("`compile`", "Makes a program in plain NumPy; what it cannot write runs as it is, and `.reasons` says why."),
        (
            "`checkpoint`",
            "What the second run computes is compared to the bit, and the function runs to its end: "
            "[more](torch-code.md#less-memory-for-more-time).",
        ),
        (
            "`func`, `vmap`",
            "`vmap` is a loop over slices, and forward mode two backward passes: "
            "[more](torch-code.md#functions-of-functions).",
        ),
        ("errors", "The first line is torch's text; then come the line of your program, and how to mend it."),
        ("threads", "One operation runs in one thread, but for what NumPy's BLAS does."),
        ("`.data`", "A change through it counts as a change; torch overlooks it, and may give a wrong gradient."),
        (
            "`expand`",
            "After `fill_` or `zero_` of such a view in the graph there is a gradient; torch's backward pass raises. "
            "Masks and indices may not write to one; torch still lets them, with a warning.",
        ),
        ("`t_`, `unsqueeze_`, ...", "Not of a view, nor of what has views: NotImplementedError."),
        (
            "`as_strided`",
            "Of elements that a tensor which requires grad has not: RuntimeError; torch leaves out their gradients. "
            "Where elements overlap, a change in place that is recorded makes it unusable: RuntimeError.",
        ),
        ("`frombuffer`", "Of memory that may not be written to: ValueError; torch warns, and lets it be written to."),
        ("`inference_mode`", "It is `no_grad`: what is made in it may take part in a graph later."),
        ("`autocast`, `GradScaler`", "Are off, as torch's are without a GPU; asked to be on for the CPU, they refuse."),
        (
            "`sort`, `argsort`",
            "Of equal elements the first comes first, in long rows too, where torch fixes no order.",
        ),
        (
            "`cholesky_inverse`, `cholesky_solve`",
            "The factor's gradient is 0 in the triangle that is not read; torch's is not, and uses what stands there.",
        ),
        (
            "`embedding_bag`",
            "`scale_grad_by_freq` divides by how often the row itself was looked up, where torch may take another row; "
            "what comes after the last bag does not count, for the mean either; offsets that fall are refused.",
        ),
        (
            "complex numbers",
            "There are none: `linalg.eig`, whose results are complex in torch, says so and names `eigh`.",
        ),
    ],
    "zh": [
        ("舍入", "求和、矩阵乘积以及 `exp` 之类的函数由 NumPy 计算：最后几位可能不同。"),
        ("`device`", "只有 CPU；要求别的设备时，报出 torch 在没有该设备的版本中的错误。"),
        ("`save`、`load`", "文件用 safetensors 格式：torch 的文件里是 pickle，读取时会执行其中的内容。"),
        ("`DataLoader(num_workers=n)`", "批次相同；它们在调用的进程中生成。"),
        ("`compile`", "生成纯 NumPy 程序；写不出的部分照原样运行，`.reasons` 说明原因。"),
        (
            "`checkpoint`",
            "第二次运行算出的值要逐位相同，函数总会运行到底：[详见](torch-code.zh-CN.md#用时间换内存)。",
        ),
        (
            "`func`、`vmap`",
            "`vmap` 是对各切片的循环，前向模式是两次反向传播：[详见](torch-code.zh-CN.md#以函数为参数的函数)。",
        ),
        ("错误信息", "第一行是 torch 的原文；接着是你程序中的那一行，以及怎样改正。"),
        ("线程", "一个运算在一个线程中进行，NumPy 的 BLAS 除外。"),
        ("`.data`", "通过它所做的修改也算修改；torch 会忽略它，梯度因此可能是错的。"),
        (
            "`expand`",
            "计算图中这样的视图被 `fill_` 或 `zero_` 改写之后，梯度仍能算出；torch 的反向传播会报错。"
            "不能用掩码或索引写入这样的视图；torch 目前还允许，但会警告。",
        ),
        ("`t_`、`unsqueeze_` 等", "不能用于视图，也不能用于有视图的张量：NotImplementedError。"),
        (
            "`as_strided`",
            "张量需要梯度时，若涉及不属于它的元素：RuntimeError；torch 会漏掉这些元素的梯度。"
            "元素重叠时，被记录的原地修改之后也不能再用：RuntimeError。",
        ),
        ("`frombuffer`", "内存不可写时：ValueError；torch 只是警告，并允许写入。"),
        ("`inference_mode`", "等于 `no_grad`：其中生成的张量以后可以进入计算图。"),
        ("`autocast`、`GradScaler`", "不起作用，与 torch 没有 GPU 时相同；要求在 CPU 上起作用时会报错。"),
        ("`sort`、`argsort`", "相等的元素中靠前的排在前面，长行也是如此；torch 在长行中的顺序并不固定。"),
        (
            "`cholesky_inverse`、`cholesky_solve`",
            "因子中不被读取的那个三角，其梯度为 0；torch 给出的不是 0，还用到了那里的数。",
        ),
        (
            "`embedding_bag`",
            "`scale_grad_by_freq` 除以该行自身被查找的次数，torch 可能用了另一行的次数；"
            "最后一个袋之后的内容不计入，均值也是如此；偏移量变小时会报错。",
        ),
        ("复数", "没有复数：torch 的 `linalg.eig` 结果是复数，这里会报错，并指向 `eigh`。"),
    ],
}


@dataclass
class Space:
    """One of torch's namespaces: its public names, those that minigrad has, and why it has no others."""

    name: str
    there: list[str]
    missing: list[str]
    outside: dict[str, list[str]]

    @property
    def count(self) -> int:
        """How many names torch has in it."""
        return len(self.there) + len(self.missing) + sum(map(len, self.outside.values()))


def public_names(owner: Any) -> Iterator[str]:
    """The names that are a namespace's own: no modules, and nothing of Python's that it happens to import."""
    for name in getattr(owner, "__all__", None) or dir(owner):
        value = inspect.getattr_static(owner, name, None)
        module = getattr(value, "__module__", None) or ""
        if name.startswith("_") or isinstance(value, types.ModuleType) or module.partition(".")[0] in FOREIGN:
            continue
        yield name


def _within(module: Any, name: str) -> Any:
    """What is called so in a module, or the module of that name beneath it, which nothing may have imported yet."""
    return getattr(module, name) if hasattr(module, name) else import_module(f"{module.__name__}.{name}")


def spaces() -> list[Space]:
    """Every namespace of the page."""
    found = []
    for name in SPACES:
        theirs, ours = import_module("torch"), import_module("minigrad")
        for part in name.split(".")[1:]:
            theirs, ours = (_within(module, part) for module in (theirs, ours))
        space = Space(name, [], [], {})
        for one in sorted(set(public_names(theirs)), key=lambda n: (n.lower(), n)):
            reason = next((why for why, pattern in OUTSIDE.items() if re.search(pattern, one)), None)
            if reason is None and theirs is import_module("torch") and inspect.isclass(getattr(theirs, one, None)):
                reason = "internals"
            if hasattr(ours, one) and one not in REFUSED:
                space.there.append(one)
            elif reason is None:
                space.missing.append(one)
            else:
                space.outside.setdefault(reason, []).append(one)
        found.append(space)
    return found


def page(lang: str, found: list[Space]) -> str:
    """The page in one language."""
    words, reasons = WORDS[lang], REASONS[lang]
    version = import_module("torch").__version__.partition("+")[0]
    lines = [f"# {words['title']}", "", words["other"], "", words["intro"].format(version=version), ""]
    lines += [f"| {words['space']} | {words['count']} | {words['there']} | {words['missing']} | {words['outside']} |"]
    lines += ["|---|--:|--:|--:|--:|"]
    for s in found:
        counts = (s.count, len(s.there), len(s.missing), s.count - len(s.there) - len(s.missing))
        lines.append(f"| [`{s.name}`](#{s.name.replace('.', '').lower()}) | {' | '.join(map(str, counts))} |")
    lines += ["", f"## {words['differences']}", "", f"| {words['what']} | {words['how']} |", "|---|---|"]
    lines += [f"| {what} | {how} |" for what, how in DIFFERENCES[lang]]
    lines += ["", f"## {words['reasons']}", "", *[f"- {text}" for text in reasons.values()]]
    for s in found:
        lines += ["", f"## {s.name}", "", f"**{words['names_there']}**: {listed(s.there)}"]
        if s.missing:
            lines += ["", f"**{words['names_missing']}**: {listed(s.missing)}"]
        for why, names in s.outside.items():
            summary = f"{words['names_outside']}: {reasons[why]}"
            lines += ["", f"<details><summary>{summary}</summary>", "", listed(names), "", "</details>"]
    return "\n".join(lines) + "\n"


def listed(names: list[str]) -> str:
    """Names as code, one after the other."""
    return " ".join(f"`{name}`" for name in names)


def main() -> None:
    """Write both pages."""
    found = spaces()
    for lang, path in PAGES.items():
        path.write_text(page(lang, found), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(DOCS.parent))
    main()
