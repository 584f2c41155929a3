"""Why ops that are not on the list of `allowed_ops` are refused: the decision on each op of TensorFlow 1.15.

A few ops of later releases are decided on too, such as their data sets. Any other op that is on neither list is refused
until somebody decides on it. Where several reasons apply to an op, it is under one of them.
"""

from __future__ import annotations

_REASONS = {
    "it reads or writes files": """
        BigQueryReader DatasetToTFRecord DistributedSave ExperimentalDatasetToTFRecord FileSystemSetConfiguration
        FixedLengthRecordReader FixedLengthRecordReaderV2 FixedUnigramCandidateSampler GcsConfigureBlockCache
        GcsConfigureCredentials GenerateBigQueryReaderPartitions GenerateVocabRemapping IdentityReader IdentityReaderV2
        ImmutableConst InitializeTableFromTextFile InitializeTableFromTextFileV2 LMDBReader LoadAndRemapMatrix
        MatchingFiles MergeV2Checkpoints ReadFile ReaderNumRecordsProduced ReaderNumRecordsProducedV2
        ReaderNumWorkUnitsCompleted ReaderNumWorkUnitsCompletedV2 ReaderRead ReaderReadUpTo ReaderReadUpToV2
        ReaderReadV2 ReaderReset ReaderResetV2 ReaderRestoreState ReaderRestoreStateV2 ReaderSerializeState
        ReaderSerializeStateV2 RecordInput Restore RestoreSlice RestoreV2 Save SaveDataset SaveDatasetV2 SaveSlices
        SaveV2 Skipgram TFRecordReader TFRecordReaderV2 TextLineReader TextLineReaderV2 WholeFileReader
        WholeFileReaderV2 WriteFile
    """,
    "it runs Python or another program": "EagerPyFunc PyFunc PyFuncStateless RemoteFusedGraphExecute",
    "it speaks to other machines or waits for them": """
        AllToAll CollectiveAllToAllV2 CollectiveAllToAllV3 CollectiveAssignGroupV2 CollectiveBcastRecv
        CollectiveBcastRecvV2 CollectiveBcastSend CollectiveBcastSendV2 CollectiveGather CollectiveGatherV2
        CollectiveInitializeCommunicator CollectivePermute CollectiveReduce CollectiveReduceScatterV2 CollectiveReduceV2
        CollectiveReduceV3 CrossReplicaSum NcclAllReduce NcclBroadcast NcclReduce Recv RemoteCall Rpc Send TryRpc
        WorkerHeartbeat XlaRecv XlaSend _HostRecv _HostSend _NcclBroadcastRecv _NcclBroadcastSend _NcclReduceRecv
        _NcclReduceSend _Recv _Send _XlaRecvAtHost _XlaSendFromHost
    """,
    "it waits for something else": """
        AccumulatorApplyGradient AccumulatorNumAccumulated AccumulatorSetGlobalStep AccumulatorTakeGradient Barrier
        BarrierClose BarrierIncompleteSize BarrierInsertMany BarrierReadySize BarrierTakeMany Batch BatchFunction
        ConditionalAccumulator ConsumeMutexLock FIFOQueue FIFOQueueV2 FakeQueue MapClear MapIncompleteSize MapPeek
        MapSize MapStage MapUnstage MapUnstageNoKey MutexLock MutexV2 OrderedMapClear OrderedMapIncompleteSize
        OrderedMapPeek OrderedMapSize OrderedMapStage OrderedMapUnstage OrderedMapUnstageNoKey PaddingFIFOQueue
        PaddingFIFOQueueV2 PriorityQueue PriorityQueueV2 QueueClose QueueCloseV2 QueueDequeue QueueDequeueMany
        QueueDequeueManyV2 QueueDequeueUpTo QueueDequeueUpToV2 QueueDequeueV2 QueueEnqueue QueueEnqueueMany
        QueueEnqueueManyV2 QueueEnqueueV2 QueueIsClosed QueueIsClosedV2 QueueSize QueueSizeV2 RandomShuffleQueue
        RandomShuffleQueueV2 ResourceAccumulatorApplyGradient ResourceAccumulatorNumAccumulated
        ResourceAccumulatorSetGlobalStep ResourceAccumulatorTakeGradient ResourceConditionalAccumulator
        SparseAccumulatorApplyGradient SparseAccumulatorTakeGradient SparseConditionalAccumulator Stage StageClear
        StagePeek StageSize Unbatch UnbatchGrad Unstage
    """,
    "it writes to the terminal, to logs or to a debugger": """
        AudioSummary AudioSummaryV2 CloseSummaryWriter Copy CopyHost CreateSummaryDbWriter CreateSummaryFileWriter
        DebugGradientIdentity DebugGradientRefIdentity DebugIdentity DebugIdentityV2 DebugIdentityV3 DebugNanCount
        DebugNumericSummary DebugNumericSummaryV2 FlushSummaryWriter HistogramSummary ImageSummary ImportEvent
        MergeSummary Print PrintV2 ScalarSummary StatsAggregatorSetSummaryWriter SummaryWriter TensorSummary
        TensorSummaryV2 WriteAudioSummary WriteGraphSummary WriteHistogramSummary WriteImageSummary WriteRawProtoSummary
        WriteScalarSummary WriteSummary
    """,
    "it ends the process": "Abort",
    "it is an input or a data set": """
        AnonymousIterator AnonymousIteratorV2 AnonymousIteratorV3 AnonymousMemoryCache AnonymousMultiDeviceIterator
        AnonymousMultiDeviceIteratorV3 AnonymousRandomSeedGenerator AssertCardinalityDataset AssertNextDataset
        AssertPrevDataset AutoShardDataset BatchDataset BatchDatasetV2 BytesProducedStatsDataset CSVDataset CSVDatasetV2
        CacheDataset CacheDatasetV2 ChooseFastestBranchDataset ChooseFastestDataset ConcatenateDataset
        DataServiceDataset DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4 DatasetCardinality
        DatasetFingerprint DatasetFromGraph DatasetToGraph DatasetToGraphV2 DatasetToSingleElement DeleteIterator
        DeleteMemoryCache DeleteMultiDeviceIterator DeleteRandomSeedGenerator DenseToSparseBatchDataset
        DeserializeIterator DirectedInterleaveDataset DummyMemoryCache ExperimentalAssertNextDataset
        ExperimentalAutoShardDataset ExperimentalBytesProducedStatsDataset ExperimentalCSVDataset
        ExperimentalChooseFastestDataset ExperimentalDatasetCardinality ExperimentalDenseToSparseBatchDataset
        ExperimentalDirectedInterleaveDataset ExperimentalGroupByReducerDataset ExperimentalGroupByWindowDataset
        ExperimentalIgnoreErrorsDataset ExperimentalIteratorGetDevice ExperimentalLMDBDataset
        ExperimentalLatencyStatsDataset ExperimentalMapAndBatchDataset ExperimentalMapDataset
        ExperimentalMatchingFilesDataset ExperimentalMaxIntraOpParallelismDataset ExperimentalNonSerializableDataset
        ExperimentalParallelInterleaveDataset ExperimentalParseExampleDataset ExperimentalPrivateThreadPoolDataset
        ExperimentalRandomDataset ExperimentalRebatchDataset ExperimentalScanDataset
        ExperimentalSetStatsAggregatorDataset ExperimentalSleepDataset ExperimentalSlidingWindowDataset
        ExperimentalSqlDataset ExperimentalStatsAggregatorHandle ExperimentalStatsAggregatorSummary
        ExperimentalTakeWhileDataset ExperimentalThreadPoolDataset ExperimentalThreadPoolHandle
        ExperimentalUnbatchDataset ExperimentalUniqueDataset FilterByLastComponentDataset FilterDataset FinalizeDataset
        FixedLengthRecordDataset FixedLengthRecordDatasetV2 FlatMapDataset GeneratorDataset GlobalShuffleDataset
        GroupByReducerDataset GroupByWindowDataset IgnoreErrorsDataset IndexFlatMapDataset InterleaveDataset Iterator
        IteratorFromStringHandle IteratorFromStringHandleV2 IteratorGetDevice IteratorGetModelProto IteratorGetNext
        IteratorGetNextAsOptional IteratorGetNextSync IteratorToStringHandle IteratorV2 LMDBDataset LatencyStatsDataset
        LegacyParallelInterleaveDatasetV2 ListDataset ListSnapshotChunksDataset LoadDataset MakeIterator
        MapAndBatchDataset MapDataset MapDefun MatchingFilesDataset MaxIntraOpParallelismDataset ModelDataset
        MultiDeviceIterator MultiDeviceIteratorFromStringHandle MultiDeviceIteratorGetNextFromShard
        MultiDeviceIteratorInit MultiDeviceIteratorToStringHandle NonSerializableDataset OneShotIterator OptimizeDataset
        OptimizeDatasetV2 OptionalFromValue OptionalGetValue OptionalHasValue OptionalNone OptionsDataset
        PaddedBatchDataset PaddedBatchDatasetV2 ParallelBatchDataset ParallelFilterDataset ParallelInterleaveDataset
        ParallelInterleaveDatasetV2 ParallelInterleaveDatasetV3 ParallelInterleaveDatasetV4 ParallelMapDataset
        ParallelMapDatasetV2 ParseExampleDataset ParseExampleDatasetV2 PrefetchDataset PrivateThreadPoolDataset
        RandomDataset RandomDatasetV2 RangeDataset RebatchDataset RebatchDatasetV2 ReduceDataset RegisterDataset
        RegisterDatasetV2 RepeatDataset RewriteDataset SamplingDataset ScanDataset SerializeIterator
        SetStatsAggregatorDataset ShardDataset ShuffleAndRepeatDataset ShuffleAndRepeatDatasetV2 ShuffleDataset
        ShuffleDatasetV2 ShuffleDatasetV3 SkipDataset SleepDataset SlidingWindowDataset SnapshotChunkDataset
        SnapshotDataset SnapshotDatasetReader SnapshotDatasetV2 SnapshotNestedDatasetReader SparseTensorSliceDataset
        SqlDataset StatsAggregatorHandle StatsAggregatorHandleV2 StatsAggregatorSummary TFRecordDataset
        TFRecordDatasetV2 TakeDataset TakeWhileDataset TensorDataset TensorSliceDataset TextLineDataset
        ThreadPoolDataset ThreadPoolHandle UnbatchDataset UniqueDataset UnwrapDatasetVariant WeightedFlatMapDataset
        WindowDataset WrapDatasetVariant ZipDataset
    """,
    "it keeps something that is not a variable": """
        AddManySparseToTensorsMap AddSparseToTensorsMap AnonymousHashTable AnonymousMutableDenseHashTable
        AnonymousMutableHashTable AnonymousMutableHashTableOfTensors BoostedTreesCenterBias BoostedTreesCreateEnsemble
        BoostedTreesCreateQuantileStreamResource BoostedTreesDeserializeEnsemble BoostedTreesEnsembleResourceHandleOp
        BoostedTreesExampleDebugOutputs BoostedTreesFlushQuantileSummaries BoostedTreesGetEnsembleStates
        BoostedTreesPredict BoostedTreesQuantileStreamResourceAddSummaries BoostedTreesQuantileStreamResourceDeserialize
        BoostedTreesQuantileStreamResourceFlush BoostedTreesQuantileStreamResourceGetBucketBoundaries
        BoostedTreesQuantileStreamResourceHandleOp BoostedTreesSerializeEnsemble BoostedTreesTrainingPredict
        BoostedTreesUpdateEnsemble BoostedTreesUpdateEnsembleV2 DeleteSessionTensor DestroyResourceOp GetSessionHandle
        GetSessionHandleV2 GetSessionTensor HashTable HashTableV2 InitializeTable InitializeTableFromDataset
        InitializeTableV2 IsBoostedTreesEnsembleInitialized IsBoostedTreesQuantileStreamResourceInitialized
        LookupTableExport LookupTableExportV2 LookupTableFind LookupTableFindV2 LookupTableImport LookupTableImportV2
        LookupTableInsert LookupTableInsertV2 LookupTableRemoveV2 LookupTableSize LookupTableSizeV2
        MutableDenseHashTable MutableDenseHashTableV2 MutableHashTable MutableHashTableOfTensors
        MutableHashTableOfTensorsV2 MutableHashTableV2 Stack StackClose StackCloseV2 StackPop StackPopV2 StackPush
        StackPushV2 StackV2 TakeManySparseFromTensorsMap TensorForestCreateTreeVariable TensorForestTreeDeserialize
        TensorForestTreeIsInitializedOp TensorForestTreePredict TensorForestTreeResourceHandleOp
        TensorForestTreeSerialize TensorForestTreeSize
    """,
    "it shows what its memory held before": "Empty",
    "it decodes or encodes files or messages": """
        DecodeAndCropJpeg DecodeBase64 DecodeBmp DecodeCSV DecodeCompressed DecodeGif DecodeImage DecodeJSONExample
        DecodeJpeg DecodeJxl DecodePaddedRaw DecodePng DecodeProtoV2 DecodeRaw DecodeWav DecodeWebP
        DeserializeManySparse DeserializeSparse EncodeBase64 EncodeJpeg EncodeJpegVariableQuality EncodePng EncodeProto
        EncodeWav ExtractJpegShape ParseExample ParseExampleV2 ParseSequenceExample ParseSequenceExampleV2
        ParseSingleExample ParseSingleSequenceExample ParseTensor SerializeManySparse SerializeSparse SerializeTensor
    """,
    "it works on text": """
        AsString Fingerprint ReduceJoin RegexFullMatch RegexReplace SdcaFprint ShardedFilename ShardedFilespec
        SparseCross StaticRegexFullMatch StaticRegexReplace StringFormat StringJoin StringLength StringLower
        StringNGrams StringSplit StringSplitV2 StringStrip StringToHashBucket StringToHashBucketFast
        StringToHashBucketStrong StringToNumber StringUpper Substr UnicodeDecode UnicodeDecodeWithOffsets UnicodeEncode
        UnicodeScript UnicodeTranscode UnsortedSegmentJoin
    """,
    "it only serves training": """
        AllCandidateSampler ApplyAdaMax ApplyAdadelta ApplyAdagrad ApplyAdagradDA ApplyAdagradV2 ApplyAdam ApplyAddSign
        ApplyCenteredRMSProp ApplyFtrl ApplyFtrlV2 ApplyGradientDescent ApplyMomentum ApplyPowerSign
        ApplyProximalAdagrad ApplyProximalGradientDescent ApplyRMSProp AvgPool3DGrad AvgPoolGrad BatchCholeskyGrad
        BatchNormWithGlobalNormalizationGrad BiasAddGrad BlockLSTMGrad BlockLSTMGradV2 BoostedTreesAggregateStats
        BoostedTreesCalculateBestFeatureSplit BoostedTreesCalculateBestFeatureSplitV2
        BoostedTreesCalculateBestGainsPerFeature BoostedTreesMakeQuantileSummaries BoostedTreesMakeStatsSummary
        BoostedTreesSparseAggregateStats BoostedTreesSparseCalculateBestFeatureSplit CTCLoss CTCLossV2 CholeskyGrad
        ComputeAccidentalHits Conv2DBackpropFilter Conv2DBackpropFilterV2 Conv3DBackpropFilter Conv3DBackpropFilterV2
        CountUpTo CropAndResizeGradBoxes CropAndResizeGradImage CudnnRNNBackprop CudnnRNNBackpropV2 CudnnRNNBackpropV3
        CudnnRNNParamsToCanonical CudnnRNNParamsToCanonicalV2 DepthwiseConv2dNativeBackpropFilter
        Dilation2DBackpropFilter Dilation2DBackpropInput EluGrad FakeQuantWithMinMaxArgsGradient
        FakeQuantWithMinMaxVarsGradient FakeQuantWithMinMaxVarsPerChannelGradient FractionalAvgPoolGrad
        FractionalMaxPoolGrad FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3 GRUBlockCellGrad IgammaGradA
        InvGrad KMC2ChainInitialization KmeansPlusPlusInitialization LRNGrad LSTMBlockCellGrad LeakyReluGrad
        LearnedUnigramCandidateSampler LogUniformCandidateSampler MaxPool3DGrad MaxPool3DGradGrad MaxPoolGrad
        MaxPoolGradGrad MaxPoolGradGradV2 MaxPoolGradGradWithArgmax MaxPoolGradV2 MaxPoolGradWithArgmax MirrorPadGrad
        NegTrain QuantizeAndDequantizeV4Grad RaggedFillEmptyRowsGrad RaggedTensorToVariantGradient RandomGammaGrad
        ReciprocalGrad Relu6Grad ReluGrad ResizeBicubicGrad ResizeBilinearGrad ResizeNearestNeighborGrad
        ResourceApplyAdaMax ResourceApplyAdadelta ResourceApplyAdagrad ResourceApplyAdagradDA ResourceApplyAdagradV2
        ResourceApplyAdam ResourceApplyAdamWithAmsgrad ResourceApplyAddSign ResourceApplyCenteredRMSProp
        ResourceApplyFtrl ResourceApplyFtrlV2 ResourceApplyGradientDescent ResourceApplyKerasMomentum
        ResourceApplyMomentum ResourceApplyPowerSign ResourceApplyProximalAdagrad ResourceApplyProximalGradientDescent
        ResourceApplyRMSProp ResourceCountUpTo ResourceSparseApplyAdadelta ResourceSparseApplyAdagrad
        ResourceSparseApplyAdagradDA ResourceSparseApplyAdagradV2 ResourceSparseApplyCenteredRMSProp
        ResourceSparseApplyFtrl ResourceSparseApplyFtrlV2 ResourceSparseApplyKerasMomentum ResourceSparseApplyMomentum
        ResourceSparseApplyProximalAdagrad ResourceSparseApplyProximalGradientDescent ResourceSparseApplyRMSProp
        RsqrtGrad ScaleAndTranslateGrad SdcaOptimizer SdcaOptimizerV2 SdcaShrinkL1 SeluGrad SigmoidGrad SoftplusGrad
        SoftsignGrad SparseAddGrad SparseApplyAdadelta SparseApplyAdagrad SparseApplyAdagradDA SparseApplyAdagradV2
        SparseApplyCenteredRMSProp SparseApplyFtrl SparseApplyFtrlV2 SparseApplyMomentum SparseApplyProximalAdagrad
        SparseApplyProximalGradientDescent SparseApplyRMSProp SparseFillEmptyRowsGrad SparseMatrixSoftmaxGrad
        SparseSegmentMeanGrad SparseSegmentMeanGradV2 SparseSegmentSqrtNGrad SparseSegmentSqrtNGradV2
        SparseSegmentSumGrad SparseSegmentSumGradV2 SparseSliceGrad SqrtGrad StridedSliceGrad SymbolicGradient TanhGrad
        TensorArrayGrad TensorArrayGradV2 TensorArrayGradV3 TensorArrayGradWithShape ThreadUnsafeUnigramCandidateSampler
        TileGrad UniformCandidateSampler
    """,
    "it needs a TPU or XLA": """
        ConfigureDistributedTPU ConfigureTPUEmbedding EnqueueTPUEmbeddingIntegerBatch EnqueueTPUEmbeddingSparseBatch
        EnqueueTPUEmbeddingSparseTensorBatch InfeedDequeue InfeedDequeueTuple InfeedEnqueue
        InfeedEnqueuePrelinearizedBuffer InfeedEnqueueTuple LoadTPUEmbeddingADAMParameters
        LoadTPUEmbeddingADAMParametersGradAccumDebug LoadTPUEmbeddingAdadeltaParameters
        LoadTPUEmbeddingAdadeltaParametersGradAccumDebug LoadTPUEmbeddingAdagradParameters
        LoadTPUEmbeddingAdagradParametersGradAccumDebug LoadTPUEmbeddingCenteredRMSPropParameters
        LoadTPUEmbeddingFTRLParameters LoadTPUEmbeddingFTRLParametersGradAccumDebug
        LoadTPUEmbeddingMDLAdagradLightParameters LoadTPUEmbeddingMomentumParameters
        LoadTPUEmbeddingMomentumParametersGradAccumDebug LoadTPUEmbeddingProximalAdagradParameters
        LoadTPUEmbeddingProximalAdagradParametersGradAccumDebug LoadTPUEmbeddingRMSPropParameters
        LoadTPUEmbeddingRMSPropParametersGradAccumDebug LoadTPUEmbeddingStochasticGradientDescentParameters
        OutfeedDequeue OutfeedDequeueTuple OutfeedEnqueue OutfeedEnqueueTuple Prelinearize PrelinearizeTuple
        RecvTPUEmbeddingActivations RetrieveTPUEmbeddingADAMParameters RetrieveTPUEmbeddingADAMParametersGradAccumDebug
        RetrieveTPUEmbeddingAdadeltaParameters RetrieveTPUEmbeddingAdadeltaParametersGradAccumDebug
        RetrieveTPUEmbeddingAdagradParameters RetrieveTPUEmbeddingAdagradParametersGradAccumDebug
        RetrieveTPUEmbeddingCenteredRMSPropParameters RetrieveTPUEmbeddingFTRLParameters
        RetrieveTPUEmbeddingFTRLParametersGradAccumDebug RetrieveTPUEmbeddingMDLAdagradLightParameters
        RetrieveTPUEmbeddingMomentumParameters RetrieveTPUEmbeddingMomentumParametersGradAccumDebug
        RetrieveTPUEmbeddingProximalAdagradParameters RetrieveTPUEmbeddingProximalAdagradParametersGradAccumDebug
        RetrieveTPUEmbeddingRMSPropParameters RetrieveTPUEmbeddingRMSPropParametersGradAccumDebug
        RetrieveTPUEmbeddingStochasticGradientDescentParameters SendTPUEmbeddingGradients ShutdownDistributedTPU
        TPUCompilationResult TPUEmbeddingActivations TPUOrdinalSelector TPUPartitionedCall TPUReplicateMetadata
        TPUReplicatedInput TPUReplicatedOutput XlaBroadcastHelper XlaClusterOutput XlaConv XlaDequantize XlaDot
        XlaDynamicSlice XlaDynamicUpdateSlice XlaEinsum XlaIf XlaKeyValueSort XlaLaunch XlaPad XlaReduce XlaReduceWindow
        XlaReplicaId XlaSelectAndScatter XlaSelfAdjointEig XlaSort XlaSvd XlaWhile _ConfigureDistributedTPU
        _DisconnectHostFromDistributedTPUSystem _InitializeHostForDistributedTPU _SetGlobalTPUArray
        _ShutdownDistributedTPU _TPUReplicate _WaitForDistributedTPU _XlaCompile _XlaRun
    """,
    "it is internal to TensorFlow's runtime": """
        _Arg _ArrayToList _DeviceArg _DeviceRetval _FusedBatchNormEx _FusedConv2D _FusedMatMul _HostCast _If
        _ListToArray _MklMaximum _MklMul _MklSquaredDifference _MklSub _ParallelConcatStart _ParallelConcatUpdate
        _ReadVariablesOp _Retval _ScopedAllocator _ScopedAllocatorConcat _ScopedAllocatorSplit _SwitchN
        _UnaryOpsComposition _VarHandlesOp _While
    """,
    "it tells of the machine, not of the frames": "GraphDefVersion Timestamp",
    "it hands tensors on in a form of its own": "RaggedTensorFromVariant RaggedTensorToVariant",
    "it belongs to TensorFlow's own tests": """
        A Attr AttrBool AttrBoolList AttrDefault AttrEmptyListDefault AttrEnum AttrEnumList AttrFloat AttrListDefault
        AttrListMin AttrListTypeDefault AttrMin AttrPartialShape AttrPartialShapeList AttrShape AttrShapeList
        AttrTypeDefault B Binary ComplexStruct ConstructionFails CopyOp DefaultAttrs DevicePlacementOp Fact
        FiveFloatOutputs FloatInput FloatOutput FloatOutputStringOutput Foo1 Foo2 Foo3 FuncAttr FuncListAttr
        InPolymorphicTwice Int64Output IntAttr IntInput IntInputFloatInput IntInputIntOutput IntOutput
        IntOutputFloatOutput KernelLabel KernelLabelRequired ListInput ListOutput MixedStruct NInPolymorphicTwice
        NInTwice NInTwoTypeVariables NIntsIn NIntsOut NIntsOutDefault NPolymorphicIn NPolymorphicOut
        NPolymorphicOutDefault NPolymorphicRestrictIn NPolymorphicRestrictOut None Old OpWithDefaultAttr
        OpWithFutureDefaultAttr OutT OutTypeList OutTypeListRestrict Polymorphic PolymorphicDefaultOut PolymorphicOut
        RefIn RefInputFloatInput RefInputFloatInputIntOutput RefInputIntInput RefOut RefOutput RefOutputFloatOutput
        RequiresOlderGraphVersion ReservedAttr ReservedInput ResourceCreateOp ResourceInitializedOp ResourceUsingOp
        Restrict Simple SimpleStruct StringListAttr StubResourceHandleOp TestAttr TestStringOutput TwoFloatInputs
        TwoFloatInputsFloatOutput TwoFloatInputsIntOutput TwoFloatOutputs TwoIntInputs TwoIntOutputs TwoRefsIn TypeList
        TypeListRestrict TypeListTwice Unary
    """,
}

# Each reason, a clause, with the names of the ops that are refused for it.
REFUSED_OPS = {reason: tuple(names.split()) for reason, names in _REASONS.items()}
_REASON_OF = {op: reason for reason, names in REFUSED_OPS.items() for op in names}


def refusal_reason(op: str) -> str | None:
    """Why an op is refused: a clause. None where it is allowed, or where nobody has decided on it."""
    return _REASON_OF.get(op)
