"""Why ops that are not on the list of `allowed_ops` are refused: the decision on each op of TensorFlow 1.15.

An op that is on neither list is new in a later TensorFlow, and refused until somebody decides on it. In patterns, *
stands for any letters; an allowed op that a pattern fits is allowed.
"""

from __future__ import annotations

import re

from model.export.allowed_ops import ALLOWED_OPS

_REASONS = {
    "it reads or writes files": """
        ReadFile WriteFile MatchingFiles WholeFileReader* TextLineReader* TFRecordReader*
        FixedLengthRecordReader* LMDBReader IdentityReader* Reader* RecordInput Save SaveSlices SaveV2
        Restore RestoreSlice RestoreV2 MergeV2Checkpoints ImmutableConst ShardedFile* LoadAndRemapMatrix
        GenerateVocabRemapping Skipgram FixedUnigramCandidateSampler BigQueryReader
        GenerateBigQueryReaderPartitions GcsConfigure* ImportEvent
    """,
    "it runs Python or another program": "PyFunc PyFuncStateless EagerPyFunc RemoteFusedGraphExecute XlaLaunch _Xla*",
    "it speaks to other machines or waits for them": """
        Rpc TryRpc RemoteCall Collective* Nccl* _Nccl* AllToAll CrossReplicaSum _Send _Recv _HostSend
        _HostRecv XlaSend XlaRecv WorkerHeartbeat
    """,
    "it waits for something else": """
        Barrier* Queue* *Queue *QueueV2 FakeQueue Stage* Unstage MapStage MapUnstage* MapClear
        MapIncompleteSize MapPeek MapSize OrderedMap* Batch BatchFunction Unbatch UnbatchGrad MutexLock
        MutexV2 ConsumeMutexLock *ConditionalAccumulator* Accumulator* ResourceAccumulator*
        SparseAccumulator*
    """,
    "it writes to the terminal, to logs or to a debugger": """
        Print PrintV2 *Summary *SummaryV2 *SummaryWriter* CreateSummary* Write*Summary Debug* Copy CopyHost
    """,
    "it ends the process": "Abort",
    "it is an input or a data set": """
        *Dataset *DatasetV2 Dataset* Experimental* *Iterator* Iterator* OneShotIterator MakeIterator
        *MemoryCache *RandomSeedGenerator Optional* ThreadPoolHandle StatsAggregator* UnwrapDatasetVariant
        WrapDatasetVariant MapDefun
    """,
    "it keeps something that is not a variable": """
        HashTable* MutableHashTable* MutableDenseHashTable* LookupTable* InitializeTable* Stack*
        *SessionHandle* *SessionTensor TensorForest* BoostedTrees* IsBoostedTrees* DestroyResourceOp
        *SparseToTensorsMap *SparseFromTensorsMap Empty
    """,
    "it decodes or encodes files or messages": """
        Decode* Encode* ExtractJpegShape Parse* Serialize* Deserialize* AudioMicrofrontend StringToNumber
    """,
    "it works on text": """
        AsString String* Substr Regex* StaticRegex* ReduceJoin Unicode* UnsortedSegmentJoin Fingerprint
        SdcaFprint SparseCross
    """,
    "it only serves training": """
        *Grad *GradV? *GradAccumDebug *GradGrad* *GradWithArgmax *GradBoxes *GradImage *Gradient *GradA
        *GradWithShape SymbolicGradient Apply* ResourceApply* SparseApply* ResourceSparseApply* Sdca*
        NegTrain *BackpropFilter *BackpropFilterV2 Dilation2DBackpropInput CudnnRNNBackprop*
        CudnnRNNParamsToCanonical* *CandidateSampler ComputeAccidentalHits KMC2ChainInitialization
        KmeansPlusPlusInitialization CountUpTo ResourceCountUpTo RandomGammaGrad CTCLoss
    """,
    "it needs a TPU or XLA": "*TPU* Infeed* Outfeed* Prelinearize* Xla* TPU*",
    "it is internal to TensorFlow's runtime": """
        _Arg _Retval _ArrayToList _ListToArray _Device* _FusedBatchNormEx _FusedConv2D _FusedMatMul
        _HostCast _If _While _Mkl* _ParallelConcat* _ReadVariablesOp _ScopedAllocator* _SwitchN
        _UnaryOpsComposition _VarHandlesOp HostConst DeepCopy
    """,
    "it tells of the machine, not of the frames": "Timestamp GraphDefVersion",
    "it hands tensors on in a form of its own": "RaggedTensorFromVariant RaggedTensorToVariant",
    "it belongs to TensorFlow's own tests": """
        A Attr Attr* B Binary ComplexStruct ConstructionFails CopyOp DefaultAttrs DevicePlacementOp Fact
        FiveFloatOutputs Float* Foo? FuncAttr FuncListAttr InPolymorphicTwice Int64Output Int[A-Z]*
        KernelLabel* ListInput ListOutput MixedStruct N[A-Z]*In* NIn* NPolymorphic* None Old OpWith*
        Out[A-Z]* Polymorphic* Ref[IO]* Requires* Reserved* Resource[CIU]*Op Restrict Simple SimpleStruct
        StringListAttr StubResourceHandleOp TestAttr TestStringOutput Two* TypeList* Unary
    """,
}


def refusal_reason(op: str) -> str | None:
    """Why an op is refused: a clause. None where it is allowed, or where nobody has decided on it."""
    if op in ALLOWED_OPS:
        return None
    return next((reason for reason, pattern in _PATTERNS.items() if pattern.fullmatch(op)), None)


def _pattern(names: str) -> re.Pattern[str]:
    """Of names that may hold * and ?, as in a shell."""
    return re.compile("|".join(name.replace("*", ".*").replace("?", ".") for name in names.split()))


_PATTERNS = {reason: _pattern(names) for reason, names in _REASONS.items()}
